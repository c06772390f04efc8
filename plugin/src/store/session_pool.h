// SPDX-License-Identifier: GPL-3.0-or-later
// WiredTiger's sessions, each lent to one thread at a time with its cursors, as
// opening them costs more than a transaction.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "store/connection.h"
#include "store/tables.h"

namespace fastmeta::store {

struct Session {
  SessionPtr wt;
  std::array<WT_CURSOR*, kTableCount> cursors{};  // closed with the session
};

class SessionPool {
 public:
  // Gives the session back at its end.
  class Lease {
   public:
    Lease(SessionPool& pool, std::unique_ptr<Session> session)
        : pool_(&pool), session_(std::move(session)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (session_) pool_->give_back(std::move(session_));
    }
    WT_SESSION* wt() const { return session_->wt.get(); }
    Session& session() const { return *session_; }

   private:
    SessionPool* pool_;
    std::unique_ptr<Session> session_;
  };

  explicit SessionPool(Connection& connection) : connection_(connection) {}
  ~SessionPool();

  // kLocalStore (EAGAIN, not latched) when too many are out. Waits only for resume().
  Result<Lease> lend();

  // Closes all sessions, as work on whole files needs; false when some are still
  // out after `limit`, and then nothing is paused.
  bool pause(std::chrono::milliseconds limit);
  void resume();
  // Forgets the idle sessions without closing them.
  void abandon();

 private:
  void give_back(std::unique_ptr<Session> session);

  Connection& connection_;
  std::mutex mutex_;  // stands alone
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Session>> idle_;  // guarded by mutex_, as all below
  size_t lent_ = 0;
  bool paused_ = false;
};

// The session's cursor on the table, opened at its first use.
Result<WT_CURSOR*> cursor_of(Session& session, Table table, Latch& latch);

}  // namespace fastmeta::store
