// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/wt_transaction.h"

#include <cerrno>

namespace fastmeta::store {
namespace {

// Beyond what WiredTiger takes is EINVAL there, which is no reason to latch.
constexpr size_t kItemMax = size_t{1} << 30;
// What a write costs in the log beside its bytes, about.
constexpr uint64_t kLogOverhead = 48;

WT_ITEM item_of(std::string_view bytes) {
  WT_ITEM item{};
  item.data = bytes.data();
  item.size = bytes.size();
  return item;
}

std::string_view view_of(const WT_ITEM& item) {
  return {static_cast<const char*>(item.data), item.size};
}

// For calls that hand an item over a variable argument list.
void set_key(WT_CURSOR* cursor, std::string_view key) {
  const WT_ITEM item = item_of(key);
  cursor->set_key(cursor, &item);
}

}  // namespace

WtTransaction::~WtTransaction() {
  if (state_ == State::kRunning || state_ == State::kConflict) roll_back();
}

void WtTransaction::roll_back() {
  state_ = State::kOver;
  shared_.counters.rollbacks.fetch_add(1, std::memory_order_relaxed);
  WT_SESSION* wt = lease_.wt();
  // Latches by itself when it fails; nobody waits for its answer.
  if (const int code = wt->rollback_transaction(wt, nullptr); code != 0)
    (void)shared_.latch.fail(code, "rolling back");
}

Error WtTransaction::fail(int code, const char* doing) {
  Error error = shared_.latch.fail(code, doing);
  if (error.fault == Fault::kConflict) state_ = State::kConflict;
  return error;
}

Result<WT_CURSOR*> WtTransaction::access(Table table) {
  MDP_TRY_VOID(shared_.latch.check());
  if (state_ == State::kConflict) return fail(WT_ROLLBACK, "a use after it");
  MDP_CHECK(state_ != State::kOver);
  if (state_ == State::kIdle) {
    WT_SESSION* wt = lease_.wt();
    if (const int code = wt->begin_transaction(wt, nullptr); code != 0)
      return fail(code, "beginning a transaction");
    state_ = State::kRunning;
  }
  return cursor_of(lease_.session(), table, shared_.latch);
}

Result<std::optional<std::string>> WtTransaction::get(Table table, std::string_view key) {
  MDP_TRY(WT_CURSOR * cursor, access(table));
  if (key.empty()) return std::optional<std::string>();  // WiredTiger takes none
  set_key(cursor, key);
  int code = cursor->search(cursor);
  if (code == WT_NOTFOUND) return std::optional<std::string>();
  WT_ITEM value{};
  if (code == 0) code = cursor->get_value(cursor, &value);
  if (code != 0) return fail(code, "reading");
  return std::optional<std::string>(view_of(value));
}

Result<void> WtTransaction::writable(std::string_view key, std::string_view value) {
  if (key.size() > kItemMax || value.size() > kItemMax)
    return Error{Fault::kLocalStore, EFBIG, "local store: a key or value of over 1 GiB"};
  written_bytes_ += key.size() + value.size() + kLogOverhead;
  return {};
}

Result<bool> WtTransaction::there(WT_CURSOR* cursor, std::string_view key) {
  set_key(cursor, key);
  const int code = cursor->search(cursor);
  if (code != 0 && code != WT_NOTFOUND) return fail(code, "reading");
  return code == 0;
}

Result<void> WtTransaction::put(Table table, std::string_view key, std::string_view value) {
  MDP_CHECK(!key.empty());
  MDP_TRY(WT_CURSOR * cursor, access(table));
  MDP_TRY_VOID(writable(key, value));
  bool added = false;
  if (table == Table::kRows) {
    MDP_TRY(added, there(cursor, key));
    added = !added;
  }
  set_key(cursor, key);
  const WT_ITEM item = item_of(value);
  cursor->set_value(cursor, &item);
  if (const int code = cursor->insert(cursor); code != 0) return fail(code, "writing");
  new_rows_ += added;
  return {};
}

Result<void> WtTransaction::erase(Table table, std::string_view key) {
  MDP_TRY(WT_CURSOR * cursor, access(table));
  if (key.empty()) return {};
  MDP_TRY_VOID(writable(key, {}));
  bool removed = false;
  if (table == Table::kRows) {
    MDP_TRY(removed, there(cursor, key));
  }
  set_key(cursor, key);
  const int code = cursor->remove(cursor);
  if (code != 0 && code != WT_NOTFOUND) return fail(code, "removing");
  new_rows_ -= removed;
  return {};
}

Result<void> WtTransaction::scan(Table table, std::string_view from, const Visit& visit) {
  MDP_TRY(WT_CURSOR * cursor, access(table));
  int code = 0;
  if (from.empty()) {
    code = cursor->reset(cursor);
    if (code == 0) code = cursor->next(cursor);
  } else {
    int relation = 0;
    set_key(cursor, from);
    code = cursor->search_near(cursor, &relation);
    if (code == 0 && relation < 0) code = cursor->next(cursor);
  }
  while (code == 0) {
    WT_ITEM key{}, value{};
    code = cursor->get_key(cursor, &key);
    if (code == 0) code = cursor->get_value(cursor, &value);
    if (code != 0 || !visit(view_of(key), view_of(value))) break;
    code = cursor->next(cursor);
  }
  // A cursor at rest lets its page be evicted.
  if (code == 0 || code == WT_NOTFOUND) code = cursor->reset(cursor);
  if (code != 0) return fail(code, "reading on");
  return {};
}

Result<void> WtTransaction::commit() {
  MDP_TRY_VOID(shared_.latch.check());
  if (state_ == State::kConflict) return fail(WT_ROLLBACK, "a commit after it");
  MDP_CHECK(state_ != State::kOver);
  if (state_ == State::kIdle) {
    state_ = State::kOver;
    return {};
  }
  // Left to the destructor then: rolled back.
  if (written_bytes_ != 0) MDP_TRY_VOID(shared_.space.above_floor());

  state_ = State::kOver;  // when this fails, WiredTiger has rolled it back
  WT_SESSION* wt = lease_.wt();
  // One at a time: commits that meet in the log wait for each other on a condition
  // with a coarse timeout there, which takes three times as long as queueing here.
  std::unique_lock lock(shared_.commit_mutex, std::defer_lock);
  if (written_bytes_ != 0) lock.lock();
  if (const int code = wt->commit_transaction(wt, nullptr); code != 0)
    return shared_.latch.fail(code, "committing");
  if (written_bytes_ != 0) {
    shared_.space.on_written(written_bytes_);
    shared_.counters.log_bytes.fetch_add(written_bytes_, std::memory_order_relaxed);
    shared_.counters.rows.fetch_add(new_rows_, std::memory_order_relaxed);
    // Before the caller hears of it: sync() relies on the order.
    shared_.counters.commits.fetch_add(1, std::memory_order_release);
  }
  return {};
}

}  // namespace fastmeta::store
