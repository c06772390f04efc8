// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory_tables/memory_tables.h"

#include <cerrno>

#include "memory_tables/memory_transaction.h"

namespace fastmeta::test {

MemoryTables::~MemoryTables() { MDP_CHECK(transactions_ == 0); }

Result<void> MemoryTables::enter(Where where, uint64_t life) {
  if (life != life_)
    return Error{Fault::kLocalStore, EIO, "memory tables: a transaction from before the crash"};
  if (latched_) return *latched_;
  if (fail_in_ == 0 || (fail_where_ != Where::kAny && fail_where_ != where)) return {};
  if (--fail_in_ != 0) return {};
  fired_ = true;
  if (failure_.fault == Fault::kLocalStore && failure_.code != ENOSPC) latched_ = failure_;
  return failure_;
}

Result<std::unique_ptr<store::Transaction>> MemoryTables::begin() {
  std::lock_guard lock(mutex_);
  MDP_TRY_VOID(enter(Where::kAny, life_));
  ++transactions_;
  return std::unique_ptr<store::Transaction>(
      std::make_unique<MemoryTransaction>(*this, life_));
}

const std::optional<std::string>* MemoryTables::seen(const std::vector<Version>& versions,
                                                     uint64_t snapshot) const {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it)
    if (it->commit <= snapshot) return &it->value;
  return nullptr;
}

// What no snapshot can see any more.
void MemoryTables::prune(std::vector<Version>& versions) {
  const uint64_t oldest = snapshots_.empty() ? last_commit_ : snapshots_.begin()->first;
  while (versions.size() > 1 && versions[1].commit <= oldest) versions.erase(versions.begin());
}

void MemoryTables::apply(const Values& values) {
  ++last_commit_;
  for (const auto& [place, value] : values) {
    auto& versions = rows_[place];
    versions.push_back({last_commit_, value});
    prune(versions);
    // An erased row goes when no snapshot from before is left to conflict with it.
    const bool last = snapshots_.empty() || snapshots_.begin()->first >= last_commit_;
    if (versions.size() == 1 && !value && last) rows_.erase(place);
  }
}

Result<void> MemoryTables::sync() {
  std::lock_guard lock(mutex_);
  MDP_TRY_VOID(enter(Where::kSync, life_));
  ++syncs_;
  for (const auto& values : unsynced_) {
    for (const auto& [place, value] : values) {
      if (value)
        durable_[place] = *value;
      else
        durable_.erase(place);
    }
  }
  unsynced_.clear();
  return {};
}

Result<void> MemoryTables::may_write() {
  std::lock_guard lock(mutex_);
  if (latched_) return *latched_;
  if (full_) return Error{Fault::kLocalStore, ENOSPC, "memory tables: full"};
  return {};
}

store::Tables::Stats MemoryTables::stats() const {
  std::lock_guard lock(mutex_);
  Stats stats;
  stats.commits = commits_;
  stats.rollbacks = rollbacks_;
  stats.syncs = syncs_;
  stats.rows = 0;
  for (const auto& [place, versions] : rows_) {
    const auto& value = versions.back().value;
    if (!value) continue;
    stats.bytes_on_disk += place.second.size() + value->size();
    *stats.rows += place.first == store::Table::kRows;
  }
  return stats;
}

bool MemoryTables::unclean_start() const {
  std::lock_guard lock(mutex_);
  return unclean_;
}

// And opened again at once, so that a test can go on with it.
Result<void> MemoryTables::close_clean() {
  MDP_TRY_VOID(sync());
  std::lock_guard lock(mutex_);
  MDP_CHECK(transactions_ == 0);
  unclean_ = false;
  return {};
}

void MemoryTables::fail(Where where, uint64_t nth, Error error) {
  std::lock_guard lock(mutex_);
  fail_where_ = where;
  fail_in_ = nth;
  failure_ = std::move(error);
  fired_ = false;
}

bool MemoryTables::fired() const {
  std::lock_guard lock(mutex_);
  return fired_;
}

void MemoryTables::set_full(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

size_t MemoryTables::unsynced_commits() const {
  std::lock_guard lock(mutex_);
  return unsynced_.size();
}

void MemoryTables::reopen(const std::vector<Values>& commits) {
  ++life_;
  rows_.clear();
  writers_.clear();
  snapshots_.clear();
  latched_.reset();
  fail_in_ = 0;
  unclean_ = true;
  Values base(durable_.begin(), durable_.end());
  apply(base);
  for (const auto& values : commits) apply(values);
  unsynced_ = commits;
}

void MemoryTables::crash_process() {
  std::lock_guard lock(mutex_);
  reopen(std::vector<Values>(unsynced_));
}

void MemoryTables::crash_machine(size_t kept) {
  std::lock_guard lock(mutex_);
  std::vector<Values> commits(unsynced_);
  if (kept < commits.size()) commits.resize(kept);
  reopen(commits);
}

}  // namespace fastmeta::test
