// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/pool.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "redis/backoff.h"
#include "redis/pooled_lease.h"
#include "util/log.h"

namespace fastmeta::redis {
namespace {

Error unavailable(std::string text) { return {Fault::kDisconnected, EIO, std::move(text)}; }

}  // namespace

Pool::Pool(std::shared_ptr<Dialer> dialer, std::shared_ptr<const Event> stop,
           PoolOptions options)
    : dialer_(std::move(dialer)), stop_(std::move(stop)), options_(options) {}

Lease Pool::lease_of(Connection connection, bool unwatch_first) {
  return Lease(std::make_unique<PooledLease>(shared_from_this(), std::move(connection),
                                              unwatch_first));
}

Result<Lease> Pool::lend(Deadline deadline) {
  Backoff backoff(options_.backoff_initial, options_.backoff_max);
  Error last = unavailable("no connection was tried");
  bool tried = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    auto now = std::chrono::steady_clock::now();
    if (stopped_) return unavailable(fmt::format("{}: stopped", dialer_->where()));
    if (!idle_.empty()) {
      Idle taken = std::move(idle_.back());
      idle_.pop_back();
      if (!taken.connection.stale())
        return lease_of(std::move(taken.connection), taken.unwatch_first);
      --connections_;
      continue;
    }
    if (now >= deadline) {
      if (tried) return last;
      return unavailable(fmt::format("{}: all {} connections are in use", dialer_->where(),
                                     options_.connections_max));
    }
    if (connections_ >= options_.connections_max) {
      freed_.wait_until(lock, deadline);
      continue;
    }

    ++connections_;
    lock.unlock();
    auto dialled = dialer_->dial(std::min(deadline, now + options_.connect_timeout));
    lock.lock();
    if (dialled && !stopped_) return lease_of(std::move(*dialled), false);
    --connections_;
    freed_.notify_one();
    if (dialled) continue;
    // An attempt that had no time left says less than the one before.
    bool out_of_time = std::chrono::steady_clock::now() >= deadline;
    if (!tried || !out_of_time) last = std::move(dialled).error();
    tried = true;
    // What the user configured was right at open: the server has changed.
    if (last.fault == Fault::kConfig) return Error{Fault::kRefused, EIO, std::move(last.text)};
    freed_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() +
                                                   backoff.next()));
  }
}

void Pool::adopt(Connection connection) {
  {
    std::lock_guard lock(mutex_);
    ++connections_;
  }
  give_back(std::move(connection), false);
}

void Pool::give_back(Connection connection, bool unwatch_first) {
  std::lock_guard lock(mutex_);
  if (stopped_ || connection.broken())
    --connections_;
  else
    idle_.push_back({std::move(connection), unwatch_first, std::chrono::steady_clock::now()});
  freed_.notify_one();
}

void Pool::forget() {
  std::lock_guard lock(mutex_);
  --connections_;
  freed_.notify_one();
}

void Pool::trim() {
  std::vector<Idle> closed;  // outside of the lock
  std::lock_guard lock(mutex_);
  auto oldest_kept = std::chrono::steady_clock::now() - options_.idle_max;
  while (idle_.size() > options_.idle_kept && idle_.front().since < oldest_kept) {
    closed.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
    --connections_;
  }
}

void Pool::drop_idle() {
  std::vector<Idle> closed;
  std::lock_guard lock(mutex_);
  connections_ -= idle_.size();
  closed.swap(idle_);
  freed_.notify_all();
}

void Pool::stop() {
  std::vector<Idle> closed;
  std::lock_guard lock(mutex_);
  stopped_ = true;
  connections_ -= idle_.size();
  closed.swap(idle_);
  freed_.notify_all();
}

}  // namespace fastmeta::redis
