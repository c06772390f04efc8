// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/evictor.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "engine/fastmeta/row_writer.h"

namespace fastmeta::engine {

namespace {
constexpr std::chrono::seconds kEvery{1};
// A pass that fails, of a full disk say, is not repeated at once.
constexpr std::chrono::seconds kAfterFailure{30};
}  // namespace

void Evictor::start() {
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Evictor::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Evictor::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    Result<bool> more = parts_.client.connected() ? pass() : Result<bool>(false);
    if (!more) parts_.log.warn("the local cache could not be trimmed: {}", more.error().text);
    lock.lock();
    if (more && *more) continue;
    wake_.wait_for(lock, more ? kEvery : kAfterFailure, [this] { return stopping_; });
  }
}

uint64_t Evictor::excess() const {
  const store::Tables::Stats stats = store_.stats();
  const uint64_t used = stats.bytes_on_disk - std::min(stats.bytes_on_disk, stats.bytes_reusable);
  const uint64_t limit = parts_.config.cache.max_size;
  // A tenth more, so that it does not begin again at once.
  return used > limit ? used - limit + limit / 10 : 0;
}

Result<bool> Evictor::pass() {
  if (to_free_ == 0) {
    to_free_ = excess();
    freed_round_ = 0;
    if (to_free_ == 0) return false;
  }
  MDP_TRY(bool more, evict());
  if (more) return true;
  // Space of removed rows can be used again from the next checkpoint on.
  to_free_ = 0;
  MDP_TRY_VOID(store_.checkpoint());
  MDP_TRY_VOID(give_space_back());
  return freed_round_ > 0;
}

Result<void> Evictor::give_space_back() {
  const store::Tables::Stats stats = store_.stats();
  const uint64_t limit = parts_.config.cache.max_size;
  if (stats.bytes_on_disk < limit + limit / 4 || stats.bytes_reusable < stats.bytes_on_disk / 4)
    return {};
  return store_.compact();
}

// false: enough is gone, or a whole round has found nothing more.
Result<bool> Evictor::evict() {
  std::vector<std::pair<std::string, size_t>> names;  // with the bytes of key and value
  {
    MDP_TRY(auto transaction, parts_.tables.begin());
    MDP_TRY_VOID(transaction->scan(store::Table::kRows, from_,
                                   [&](std::string_view key, std::string_view value) {
                                     names.emplace_back(key, key.size() + value.size());
                                     return names.size() < rows_each_;
                                   }));
  }
  const bool round_ends = names.size() < rows_each_;
  from_ = round_ends ? std::string() : names.back().first;
  if (names.empty()) return false;

  std::set<model::Ino> inodes;
  for (const auto& [name, size] : names)
    if (auto parsed = parts_.keys.parse(parse_row_key(name).key)) inodes.insert(parsed->ino);
  const std::vector<model::Ino> locked(inodes.begin(), inodes.end());
  Stripes::Held held(parts_.stripes, locked);
  MDP_TRY(auto transaction, parts_.tables.begin());
  RowWriter rows(*transaction, parts_.keys, parts_.validity);
  uint64_t gone = 0, bytes = 0;
  for (const auto& [name, size] : names) {
    if (bytes >= to_free_) break;
    const RowName place = parse_row_key(name);
    const auto parsed = parts_.keys.parse(place.key);
    if (!parsed) continue;
    MDP_TRY(Row row, rows.load(name));
    if (row.local != Row::Local::kNone) continue;
    // What tells that a row without a trace is empty has to go first.
    const std::string inode_name = row_key(parts_.keys.attr(parsed->ino));
    MDP_TRY(Row inode, rows.load(inode_name));
    if (inode.local != Row::Local::kNone) continue;
    if (inode.born && inode_name != name) {
      inode.born.reset();
      MDP_TRY_VOID(rows.save(inode_name, inode));
    }
    if (place.in_hash && !place.marker) {
      const std::string marker_name = marker_key(place.key);
      MDP_TRY(Row marker, rows.load(marker_name));
      if (marker.local != Row::Local::kNone) continue;
      if (!marker.blank()) {
        parts_.validity.forget(marker.base_token);
        MDP_TRY_VOID(transaction->erase(store::Table::kRows, marker_name));
      }
    }
    parts_.validity.forget(row.base_token);
    MDP_TRY_VOID(transaction->erase(store::Table::kRows, name));
    ++gone;
    bytes += size;
  }
  MDP_TRY_VOID(transaction->commit());
  evicted_.fetch_add(gone, std::memory_order_relaxed);
  freed_round_ += bytes;
  if (bytes >= to_free_) return false;
  to_free_ -= bytes;
  if (!round_ends) return true;
  return std::exchange(freed_round_, 0) > 0;
}

}  // namespace fastmeta::engine
