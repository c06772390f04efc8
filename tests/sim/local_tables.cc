// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/local_tables.h"

#include <map>
#include <utility>

namespace fastmeta::sim {

class LocalTables::Transaction final : public store::Transaction {
 public:
  Transaction(LocalTables& tables, std::unique_ptr<store::Transaction> inner)
      : tables_(tables), inner_(std::move(inner)) {}

  Result<std::optional<std::string>> get(store::Table table, std::string_view key) override {
    MDP_TRY_VOID(access(false));
    return inner_->get(table, key);
  }
  Result<void> put(store::Table table, std::string_view key, std::string_view value) override {
    MDP_TRY_VOID(access(true));
    if (table == store::Table::kRows) MDP_TRY_VOID(note(key, is_pending(value)));
    return inner_->put(table, key, value);
  }
  Result<void> erase(store::Table table, std::string_view key) override {
    MDP_TRY_VOID(access(true));
    if (table == store::Table::kRows) MDP_TRY_VOID(note(key, false));
    return inner_->erase(table, key);
  }
  Result<void> scan(store::Table table, std::string_view from, const Visit& visit) override {
    MDP_TRY_VOID(access(false));
    return inner_->scan(table, from, visit);
  }

  Result<void> commit() override {
    MDP_TRY_VOID(access(false));
    using Fate = StoreFaults::Fate;
    MDP_TRY(const Fate fate, writes_ ? tables_.faults_.commit() : Result<Fate>(Fate::kDone));
    if (fate == Fate::kDies || fate == Fate::kBreaks) return over(fate);
    MDP_TRY_VOID(inner_->commit());
    if (fate != Fate::kDone) return over(fate);
    for (const auto& [row, change] : rows_)
      tables_.hooks_.changed(row, change.pending, change.before);
    return {};
  }

 private:
  struct Change {
    bool pending = false;
    std::string before;
  };

  // As in WiredTiger, who only reads is never rolled back.
  Result<void> access(bool writes) {
    MDP_TRY_VOID(tables_.faults_.usable());
    writes_ = writes_ || writes;
    if (writes && !conflict_) conflict_ = !tables_.faults_.meets_nobody();
    if (conflict_) return Error{Fault::kConflict, EAGAIN, "somebody else writes there"};
    return {};
  }

  Result<void> note(std::string_view key, bool pending) {
    const auto [change, added] = rows_.try_emplace(std::string(key));
    change->second.pending = pending;
    if (!added || !tables_.hooks_.has_pending(change->first)) return {};
    MDP_TRY(auto before, inner_->get(store::Table::kRows, key));
    change->second.before = std::move(before).value_or("");
    return {};
  }

  Result<void> over(StoreFaults::Fate fate) {
    using Fate = StoreFaults::Fate;
    if (fate == Fate::kDies || fate == Fate::kDiesBehind) {
      tables_.hooks_.die();
      throw Killed();
    }
    tables_.hooks_.broke();
    return tables_.faults_.usable();
  }

  LocalTables& tables_;
  const std::unique_ptr<store::Transaction> inner_;
  std::map<std::string, Change> rows_;
  bool writes_ = false, conflict_ = false;
};

Result<std::unique_ptr<store::Transaction>> LocalTables::begin() {
  MDP_TRY_VOID(faults_.usable());
  MDP_TRY(auto inner, inner_.begin());
  return std::unique_ptr<store::Transaction>(
      std::make_unique<Transaction>(*this, std::move(inner)));
}

Result<void> LocalTables::sync() {
  MDP_TRY_VOID(faults_.usable());
  return inner_.sync();
}

}  // namespace fastmeta::sim
