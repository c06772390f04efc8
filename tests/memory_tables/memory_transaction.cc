// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory_tables/memory_transaction.h"

#include <cerrno>

namespace fastmeta::test {
namespace {
const Error kConflicting{Fault::kConflict, EAGAIN, "memory tables: a conflict"};
}  // namespace

MemoryTables::MemoryTransaction::~MemoryTransaction() {
  std::lock_guard lock(tables_.mutex_);
  if (!over_ && snapshot_) ++tables_.rollbacks_;
  end();
  --tables_.transactions_;
}

void MemoryTables::MemoryTransaction::end() {
  over_ = true;
  if (!snapshot_ || life_ != tables_.life_) return;
  for (const auto& [place, value] : written_) tables_.writers_.erase(place);
  auto [begin, stop] = tables_.snapshots_.equal_range(*snapshot_);
  while (begin != stop && begin->second != this) ++begin;
  if (begin != stop) tables_.snapshots_.erase(begin);
  snapshot_.reset();
}

Result<void> MemoryTables::MemoryTransaction::access() {
  MDP_CHECK(!over_);
  MDP_TRY_VOID(tables_.enter(Where::kAny, life_));
  if (conflict_) return kConflicting;
  if (!snapshot_) {
    snapshot_ = tables_.last_commit_;
    tables_.snapshots_.emplace(*snapshot_, this);
  }
  return {};
}

const std::optional<std::string>* MemoryTables::MemoryTransaction::find(
    const Place& place) const {
  if (auto own = written_.find(place); own != written_.end()) return &own->second;
  const auto row = tables_.rows_.find(place);
  return row == tables_.rows_.end() ? nullptr : tables_.seen(row->second, *snapshot_);
}

Result<std::optional<std::string>> MemoryTables::MemoryTransaction::get(store::Table table,
                                                                        std::string_view key) {
  std::lock_guard lock(tables_.mutex_);
  MDP_TRY_VOID(access());
  const auto* value = find({table, std::string(key)});
  return value ? *value : std::optional<std::string>();
}

Result<void> MemoryTables::MemoryTransaction::expect_free(const Place& place) {
  const auto writer = tables_.writers_.find(place);
  const auto row = tables_.rows_.find(place);
  const bool taken = writer != tables_.writers_.end() && writer->second != this;
  const bool newer =
      row != tables_.rows_.end() && row->second.back().commit > *snapshot_;
  if (taken || newer) {
    conflict_ = true;
    return kConflicting;
  }
  return {};
}

Result<void> MemoryTables::MemoryTransaction::claim(const Place& place) {
  MDP_TRY_VOID(expect_free(place));
  tables_.writers_.insert_or_assign(place, this);
  return {};
}

Result<void> MemoryTables::MemoryTransaction::put(store::Table table, std::string_view key,
                                                  std::string_view value) {
  MDP_CHECK(!key.empty());
  std::lock_guard lock(tables_.mutex_);
  MDP_TRY_VOID(access());
  Place place{table, std::string(key)};
  MDP_TRY_VOID(claim(place));
  written_[std::move(place)] = std::string(value);
  return {};
}

Result<void> MemoryTables::MemoryTransaction::erase(store::Table table, std::string_view key) {
  std::lock_guard lock(tables_.mutex_);
  MDP_TRY_VOID(access());
  Place place{table, std::string(key)};
  MDP_TRY_VOID(expect_free(place));
  // As in WiredTiger: to remove what is not there writes nothing.
  const auto* value = find(place);
  if (!value || !*value) return {};
  MDP_TRY_VOID(claim(place));
  written_[std::move(place)] = std::nullopt;
  return {};
}

// The first visible row of the table at or after `from`.
std::optional<std::pair<std::string, std::string>> MemoryTables::MemoryTransaction::next(
    const Place& from, bool after) const {
  auto row = after ? tables_.rows_.upper_bound(from) : tables_.rows_.lower_bound(from);
  auto own = after ? written_.upper_bound(from) : written_.lower_bound(from);
  for (;;) {
    const bool rows_end = row == tables_.rows_.end() || row->first.first != from.first;
    const bool own_end = own == written_.end() || own->first.first != from.first;
    if (rows_end && own_end) return std::nullopt;
    const bool take_own = !own_end && (rows_end || own->first <= row->first);
    const Place& place = take_own ? own->first : row->first;
    const auto* value = find(place);
    if (value && *value) return std::pair(place.second, **value);
    if (take_own && !rows_end && row->first == own->first) ++row;
    take_own ? void(++own) : void(++row);
  }
}

Result<void> MemoryTables::MemoryTransaction::scan(store::Table table, std::string_view from,
                                                   const Visit& visit) {
  Place place{table, std::string(from)};
  for (bool after = false;; after = true) {
    std::optional<std::pair<std::string, std::string>> found;
    {
      std::lock_guard lock(tables_.mutex_);
      if (after) {
        if (life_ != tables_.life_) MDP_TRY_VOID(tables_.enter(Where::kAny, life_));
      } else {
        MDP_TRY_VOID(access());
      }
      found = next(place, after);
    }
    if (!found || !visit(found->first, found->second)) return {};
    place.second = std::move(found->first);
  }
}

Result<void> MemoryTables::MemoryTransaction::commit() {
  std::lock_guard lock(tables_.mutex_);
  MDP_CHECK(!over_);
  MDP_TRY_VOID(tables_.enter(Where::kCommit, life_));
  if (conflict_) return kConflicting;
  if (!written_.empty()) {
    ++tables_.commits_;
    tables_.unsynced_.push_back(written_);
    end();
    tables_.apply(written_);
  }
  end();
  return {};
}

}  // namespace fastmeta::test
