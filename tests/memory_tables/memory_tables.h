// SPDX-License-Identifier: GPL-3.0-or-later
// The local store in memory, for tests: the contract of store/tables.h, and on top of
// it crashes and failing calls on command. Deterministic; one mutex for all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace fastmeta::test {

class MemoryTables final : public store::Store {
 public:
  MemoryTables() = default;
  ~MemoryTables() override;

  Result<std::unique_ptr<store::Transaction>> begin() override;
  Result<void> sync() override;
  Result<void> may_write() override;
  Stats stats() const override;

  bool unclean_start() const override;
  std::string recovery_damage() const override { return {}; }
  Result<void> close_clean() override;
  Result<void> checkpoint() override { return sync(); }
  Result<void> compact() override { return {}; }
  Result<std::string> verify() override { return std::string(); }

  // The n-th call from now on that `where` names (1: the next) answers the error. One
  // that is kLocalStore and not ENOSPC latches, as the real store's do.
  enum class Where : uint8_t { kCommit, kSync, kAny };
  void fail(Where where, uint64_t nth, Error error);
  // Whether that has happened; for sweeps that end when it has not.
  bool fired() const;
  void set_full(bool full);

  // The process or the machine stops here and the store is opened again: transactions
  // under way are dead (kLocalStore), a latch is gone. At the end of the process every
  // commit stays, of the machine those up to the last sync() and `kept` more.
  void crash_process();
  void crash_machine(size_t kept = 0);
  size_t unsynced_commits() const;

 private:
  class MemoryTransaction;
  using Place = std::pair<store::Table, std::string>;
  using Values = std::map<Place, std::optional<std::string>>;  // nullopt: erased
  struct Version {
    uint64_t commit;
    std::optional<std::string> value;
  };

  // All of these with mutex_ held.
  Result<void> enter(Where where, uint64_t life);
  const std::optional<std::string>* seen(const std::vector<Version>& versions,
                                         uint64_t snapshot) const;
  void apply(const Values& values);
  void reopen(const std::vector<Values>& commits);
  void prune(std::vector<Version>& versions);

  mutable std::mutex mutex_;
  std::map<Place, std::vector<Version>> rows_;  // ascending commits
  std::map<Place, const void*> writers_;        // uncommitted: who writes it
  std::multimap<uint64_t, const void*> snapshots_;
  uint64_t last_commit_ = 0;
  uint64_t life_ = 0;  // one more after each crash
  std::map<Place, std::string> durable_;
  std::vector<Values> unsynced_;
  size_t transactions_ = 0;  // objects that are alive

  std::optional<Error> latched_;
  bool full_ = false, unclean_ = true;
  Where fail_where_ = Where::kAny;
  uint64_t fail_in_ = 0;  // calls; 0: never
  Error failure_;
  bool fired_ = false;
  uint64_t rollbacks_ = 0, commits_ = 0, syncs_ = 0;
};

}  // namespace fastmeta::test
