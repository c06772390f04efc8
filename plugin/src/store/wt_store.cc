// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/wt_store.h"

#include <algorithm>
#include <cerrno>

#include "store/files.h"
#include "store/wt_transaction.h"
#include "util/bytes.h"

namespace fastmeta::store {
namespace {

// How often it is looked whether a checkpoint is due for the size of the log.
constexpr std::chrono::milliseconds kCheckpointLook{200};
constexpr std::string_view kRowsMark = "clean, rows: ";
constexpr int64_t kCountedEach = 10'000;
constexpr uint64_t kFloorMax = uint64_t{64} << 20;

// The log takes a whole file at a time, ahead.
uint64_t reserve_of(uint64_t asked) { return asked == 0 ? 0 : asked + 2 * kLogFileBytes; }
uint64_t floor_of(uint64_t asked) {
  return asked == 0 ? 0 : std::min(asked / 2, kFloorMax) + kLogFileBytes;
}

// 0 where WiredTiger does not tell.
uint64_t statistic(WT_SESSION* session, const std::string& uri, int key) {
  WT_CURSOR* cursor = nullptr;
  if (session->open_cursor(session, uri.c_str(), nullptr, "statistics=(fast)", &cursor) != 0)
    return 0;
  const char* description = nullptr;
  const char* text = nullptr;
  int64_t value = 0;
  cursor->set_key(cursor, key);
  const bool found = cursor->search(cursor) == 0 &&
                     cursor->get_value(cursor, &description, &text, &value) == 0;
  cursor->close(cursor);
  return found && value > 0 ? static_cast<uint64_t>(value) : 0;
}

}  // namespace

WtStore::WtStore(StoreOptions options, Log log, LockFile lock)
    : options_(std::move(options)),
      layout_(options_.dir),
      log_(log),
      lock_(std::move(lock)),
      latch_owner_(std::make_shared<Latch>(layout_.dir, log)),
      latch_(*latch_owner_),
      space_(layout_.dir, reserve_of(options_.free_space_reserve),
             floor_of(options_.free_space_reserve)),
      group_sync_([this] { return flush_log(); }) {}

WtStore::~WtStore() {
  stop_threads();
  latch_.close();
  if (connection_ && latch_.panicked()) {
    if (sessions_) sessions_->abandon();
    Connection::abandon(std::move(connection_), std::move(lock_));
    return;
  }
  sessions_.reset();  // before the connection: it would close them itself
  connection_.reset();
}

void WtStore::stop_threads() {
  flusher_.stop();
  checkpointer_.stop();
}

Result<void> WtStore::start() {
  checkpoint_at_ = std::chrono::steady_clock::now();
  checkpointer_.start("fm-checkpoint", std::min(kCheckpointLook, options_.checkpoint_interval),
                      [this] {
                        count_rows();
                        checkpoint_when_due();
                      });
  if (options_.durability == Durability::kFlush) {
    // A failure latches, which is where writers hear of it.
    flusher_.start("fm-flush", options_.flush_interval, [this] { (void)sync(); });
  }
  return {};
}

Result<std::unique_ptr<Transaction>> WtStore::begin() {
  MDP_TRY_VOID(latch_.check());
  MDP_TRY(SessionPool::Lease lease, sessions_->lend());
  return std::unique_ptr<Transaction>(std::make_unique<WtTransaction>(
      std::move(lease), WtTransaction::Shared{latch_, space_, counters_, commit_mutex_}));
}

Result<SessionPtr> WtStore::own_session() {
  MDP_TRY_VOID(latch_.check());
  MDP_TRY(WT_SESSION * session, connection_->open_session());
  return SessionPtr(session);
}

Result<void> WtStore::flush_log() {
  MDP_TRY(SessionPtr session, own_session());
  const uint64_t commits = counters_.commits.load(std::memory_order_acquire);
  if (const int code = session->log_flush(session.get(), "sync=on"); code != 0)
    return latch_.fail(code, "syncing the log");
  counters_.syncs.fetch_add(1, std::memory_order_relaxed);
  synced_commits_.store(commits, std::memory_order_release);
  return {};
}

Result<void> WtStore::sync() {
  MDP_TRY_VOID(latch_.check());
  const uint64_t commits = counters_.commits.load(std::memory_order_acquire);
  if (synced_commits_.load(std::memory_order_acquire) >= commits) return {};
  return group_sync_.sync();
}

Result<void> WtStore::may_write() {
  MDP_TRY_VOID(latch_.check());
  return space_.above_reserve();
}

Result<void> WtStore::checkpoint() {
  MDP_TRY(SessionPtr session, own_session());
  if (const int code = session->checkpoint(session.get(), nullptr); code != 0)
    return latch_.fail(code, "writing a checkpoint");
  return {};
}

void WtStore::checkpoint_when_due() {
  const uint64_t commits = counters_.commits.load(std::memory_order_acquire);
  const uint64_t log_bytes = counters_.log_bytes.load(std::memory_order_relaxed);
  const auto now = std::chrono::steady_clock::now();
  if (commits == checkpoint_commits_ || latch_.broken()) return;
  if (now - checkpoint_at_ < options_.checkpoint_interval &&
      log_bytes - checkpoint_log_bytes_ < options_.checkpoint_log_bytes)
    return;
  // It writes too. Refused it is tried again at the next look.
  if (auto room = space_.above_floor(); !room) {
    if (!std::exchange(checkpoint_refused_, true)) log_.warn("{}", room.error().text);
    return;
  }
  checkpoint_refused_ = false;
  checkpoint_at_ = now;
  checkpoint_commits_ = commits;
  checkpoint_log_bytes_ = log_bytes;
  (void)checkpoint();  // a failure latches
}

Tables::Stats WtStore::stats() const {
  Stats stats;
  stats.commits = counters_.commits.load(std::memory_order_relaxed);
  stats.rollbacks = counters_.rollbacks.load(std::memory_order_relaxed);
  stats.syncs = counters_.syncs.load(std::memory_order_relaxed);
  if (counters_.rows_known.load(std::memory_order_acquire))
    stats.rows = std::max<int64_t>(counters_.rows.load(std::memory_order_relaxed), 0);
  if (auto names = list_dir(layout_.db())) {
    for (const auto& name : *names) {
      uint64_t& sum = is_log_file(name) ? stats.log_bytes : stats.bytes_on_disk;
      sum += file_size(layout_.db() + "/" + name);
    }
  }
  if (latch_.broken()) return stats;
  auto opened = connection_->open_session();
  if (!opened) return stats;
  const SessionPtr session(*opened);
  stats.bytes_in_cache = statistic(session.get(), "statistics:", WT_STAT_CONN_CACHE_BYTES_INUSE);
  for (size_t i = 0; i < kTableCount; ++i) {
    stats.bytes_reusable += statistic(
        session.get(), "statistics:" + table_uri(static_cast<Table>(i)),
        WT_STAT_DSRC_BLOCK_REUSE_BYTES);
  }
  return stats;
}

Result<void> WtStore::close_clean() {
  MDP_TRY_VOID(latch_.check());
  stop_threads();
  MDP_CHECK(sessions_);
  sessions_.reset();
  const auto connection = std::move(connection_);
  auto closed = connection->close();
  latch_.close();
  if (!closed) return closed;
  const bool known = counters_.rows_known.load(std::memory_order_acquire);
  return replace_file(layout_.clean(), known ? clean_mark(counters_.rows.load()) : "clean\n");
}

std::string WtStore::clean_mark(int64_t rows) {
  return std::string(kRowsMark) + std::to_string(rows) + "\n";
}

void WtStore::know_rows(std::string_view mark) {
  if (!mark.starts_with(kRowsMark)) return;
  mark.remove_prefix(kRowsMark.size());
  const auto rows = parse_decimal<int64_t>(mark.substr(0, mark.find('\n')));
  if (!rows) return;
  counters_.rows.store(*rows);
  counters_.rows_known.store(true, std::memory_order_release);
}

void WtStore::count_rows() {
  if (counters_.rows_known.load(std::memory_order_relaxed) || latch_.broken()) return;
  const int64_t before = counters_.rows.load(std::memory_order_relaxed);
  int64_t found = 0;
  std::string from;
  // In parts: a snapshot that stays open keeps what is overwritten.
  for (bool more = true; more;) {
    auto counted = [&]() -> Result<void> {
      MDP_TRY(auto transaction, begin());
      int64_t part = 0;
      MDP_TRY_VOID(transaction->scan(Table::kRows, from, [&](std::string_view key, auto) {
        if (part++ == kCountedEach) from = key;
        return part <= kCountedEach;
      }));
      more = part > kCountedEach;
      found += std::min(part, kCountedEach);
      return {};
    }();
    if (!counted || checkpointer_.stopping()) return;  // with the next look
  }
  // What came before the count is in it.
  counters_.rows.fetch_add(found - before, std::memory_order_relaxed);
  counters_.rows_known.store(true, std::memory_order_release);
}


}  // namespace fastmeta::store
