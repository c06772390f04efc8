// SPDX-License-Identifier: GPL-3.0-or-later
// The connection of one transaction: the tracking one, as long as no other transaction is on
// it, else one of the pool.
//
// On the tracking connection the server does not tell us of our own writes (NOLOOP), and for a
// key that was watched there is nothing to tell: EXEC proves that nobody else has written it
// since it was read, and whoever writes it behind us, in the same cycle of the server's event
// loop even, is told of behind the reply. For a key that was not watched there is no such
// proof: the server remembers the last writer of a cycle only, so a change of another client
// right before ours goes untold. From a pooled connection all our writes come back as
// invalidations, which nothing tells from those of others.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "redis/client.h"

namespace fastmeta::engine {

// The tracking connection, as a place for transactions: one at a time, since EXEC ends every
// WATCH of its connection.
class TransactionLane {
 private:
  friend class Transaction;
  std::atomic<bool> taken_{false};
  // Of whoever has taken it:
  uint64_t epoch_ = 0;     // the connection that the next one is about
  bool watching_ = false;  // something may still be under WATCH
};

// Used by one thread.
class Transaction {
 public:
  // Without a lane: on the pool in any case.
  Transaction(redis::Client& client, TransactionLane* lane);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // As Lease::roundtrip.
  Result<std::vector<redis::Reply>> roundtrip(std::vector<redis::Command> commands,
                                              Deadline deadline);

  // Nothing tells of what it writes.
  bool untold() const { return lane_ != nullptr; }

 private:
  redis::Client& client_;
  TransactionLane* lane_ = nullptr;
  bool fresh_ = true;  // nothing was sent yet
  std::optional<redis::Lease> lease_;
};

}  // namespace fastmeta::engine
