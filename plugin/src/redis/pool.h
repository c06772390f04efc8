// SPDX-License-Identifier: GPL-3.0-or-later
// Connections that are lent for the time of a transaction. They are made when
// needed and kept for a while; has no thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "redis/client.h"
#include "redis/connection.h"
#include "redis/dialer.h"

namespace fastmeta::redis {

struct PoolOptions {
  size_t connections_max = 32;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds backoff_initial{50};
  std::chrono::milliseconds backoff_max{2000};
  size_t idle_kept = 4;                      // of those idle for longer than idle_max
  std::chrono::milliseconds idle_max{60000};
};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<Dialer> dialer, std::shared_ptr<const Event> stop, PoolOptions options);

  // Waits for a free connection, and for the server to come back, until the
  // deadline; then kDisconnected.
  Result<Lease> lend(Deadline deadline);
  // A connection made elsewhere.
  void adopt(Connection connection);

  // Closes those idle for long, except a few.
  void trim();
  // The server is lost: what is idle would fail its next user.
  void drop_idle();
  // Every wait ends; nothing is lent from now on.
  void stop();

 private:
  friend class PooledLease;

  struct Idle {
    Connection connection;
    bool unwatch_first;
    std::chrono::steady_clock::time_point since;
  };

  void give_back(Connection connection, bool unwatch_first);
  void forget();
  Lease lease_of(Connection connection, bool unwatch_first);

  const std::shared_ptr<Dialer> dialer_;
  const std::shared_ptr<const Event> stop_;
  const PoolOptions options_;

  std::mutex mutex_;  // guards what follows; never held while waiting for the server
  std::condition_variable freed_;
  std::vector<Idle> idle_;   // the last one was used last
  size_t connections_ = 0;   // idle, lent or being made
  bool stopped_ = false;
};

}  // namespace fastmeta::redis
