// SPDX-License-Identifier: GPL-3.0-or-later
// A connection of the pool that is lent, and what has to be left clean for its next user.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "redis/client.h"
#include "redis/connection.h"
#include "redis/pool.h"

namespace fastmeta::redis {

class PooledLease final : public Lease::Held {
 public:
  // unwatch: an earlier user may have left something watched.
  PooledLease(std::shared_ptr<Pool> pool, Connection connection, bool unwatch)
      : pool_(std::move(pool)), connection_(std::move(connection)), unwatch_first_(unwatch) {}
  ~PooledLease() override;

  Result<std::vector<Reply>> roundtrip(std::span<const Command> commands,
                                       Deadline deadline) override;

 private:
  // Follows what a command and its reply do to the state of the connection.
  void note(const Command& command, const Reply& reply);

  std::shared_ptr<Pool> pool_;
  Connection connection_;
  bool unwatch_first_;  // sent before anything else
  bool watching_ = false;
  bool in_multi_ = false;
};

}  // namespace fastmeta::redis
