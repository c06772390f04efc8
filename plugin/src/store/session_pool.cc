// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/session_pool.h"

#include <cerrno>

#include "store/layout.h"

namespace fastmeta::store {
namespace {
// The rest of kSessionsMax is for WiredTiger's threads and for maintenance.
constexpr size_t kLentMax = kSessionsMax - 64;
}  // namespace

SessionPool::~SessionPool() {
  MDP_CHECK(lent_ == 0);  // a transaction has outlived its store
}

Result<SessionPool::Lease> SessionPool::lend() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !paused_; });
    if (lent_ >= kLentMax) {
      return Error{Fault::kLocalStore, EAGAIN, "local store: too many transactions at once"};
    }
    ++lent_;
    if (!idle_.empty()) {
      Lease lease(*this, std::move(idle_.back()));  // the last one used is the warmest
      idle_.pop_back();
      return lease;
    }
  }
  auto session = std::make_unique<Session>();
  auto opened = connection_.open_session();
  if (!opened) {
    std::lock_guard lock(mutex_);
    --lent_;
    changed_.notify_all();
    return std::move(opened).error();
  }
  session->wt.reset(*opened);
  return Lease(*this, std::move(session));
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
  std::lock_guard lock(mutex_);
  --lent_;
  idle_.push_back(std::move(session));
  if (paused_ && lent_ == 0) changed_.notify_all();
}

bool SessionPool::pause(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !paused_; });  // one at a time
  paused_ = true;
  if (!changed_.wait_for(lock, limit, [&] { return lent_ == 0; })) {
    paused_ = false;
    changed_.notify_all();
    return false;
  }
  idle_.clear();
  return true;
}

void SessionPool::resume() {
  std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

void SessionPool::abandon() {
  std::lock_guard lock(mutex_);
  for (auto& session : idle_) (void)session->wt.release();
  idle_.clear();
}

Result<WT_CURSOR*> cursor_of(Session& session, Table table, Latch& latch) {
  WT_CURSOR*& cursor = session.cursors[static_cast<size_t>(table)];
  if (cursor) return cursor;
  WT_SESSION* wt = session.wt.get();
  const std::string uri = table_uri(table);
  if (const int code = wt->open_cursor(wt, uri.c_str(), nullptr, nullptr, &cursor); code != 0) {
    cursor = nullptr;
    return latch.fail(code, "opening a table");
  }
  return cursor;
}

}  // namespace fastmeta::store
