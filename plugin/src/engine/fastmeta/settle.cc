// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/settle.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "engine/fastmeta/row_writer.h"

namespace fastmeta::engine {

using model::Write;
using model::WriteOp;
using store::Table;

namespace {

// Its value is made from the one before: base and pending part must change together.
bool derived(const Write& write) {
  switch (write.op) {
    case WriteOp::kHIncrBy:
    case WriteOp::kRPush:
    case WriteOp::kRPushX:
    case WriteOp::kLPush:
    case WriteOp::kLTrim:
      return true;
    default:
      return false;
  }
}

// ctime is another in every replay.
bool same_attr(std::string_view a, std::string_view b) {
  constexpr size_t kCtime = 35, kCtimeEnd = 47;
  return a.size() == b.size() && a.size() > kCtimeEnd &&
         a.substr(0, kCtime) == b.substr(0, kCtime) && a.substr(kCtimeEnd) == b.substr(kCtimeEnd);
}

}  // namespace

struct Settler::Step {
  std::vector<PendingPtr> items;
  std::vector<Write> writes;  // that the server has now
};

std::vector<Settler::Step> Settler::steps(std::span<const PendingPtr> items,
                                          const std::vector<Write>& merged) const {
  // First what the server holds now, then the end of what was pending over it, so that
  // the local view never goes back. Only derived values need both at once, together with
  // all records that have made them.
  std::vector<Step> bases(1), ends(1);
  Step& together = ends.front();
  std::unordered_map<std::string_view, size_t> lists;  // key -> its pushes as one
  for (const Write& write : merged) {
    if (!parts_.keys.parse(write.key)) continue;
    if (!derived(write)) {
      if (bases.back().writes.size() >= kStep * 2) bases.emplace_back();
      bases.back().writes.push_back(write);
      continue;
    }
    if (write.op == WriteOp::kRPush) {
      auto [at, added] = lists.try_emplace(write.key, together.writes.size());
      if (!added) {
        together.writes[at->second].value += write.value;
        continue;
      }
    }
    together.writes.push_back(write);
  }
  auto derives = [&](const PendingPtr& item) {
    return std::ranges::any_of(item->record.writes, [&](const Write& write) {
      return derived(write) && parts_.keys.parse(write.key);
    });
  };
  std::vector<PendingPtr> plain;
  for (const PendingPtr& item : items) (derives(item) ? together.items : plain).push_back(item);
  for (size_t at = 0; at < plain.size(); at += kStep) {
    const size_t end = std::min(plain.size(), at + kStep);
    ends.push_back({{plain.begin() + static_cast<ptrdiff_t>(at),
                     plain.begin() + static_cast<ptrdiff_t>(end)},
                    {}});
  }
  std::ranges::move(ends, std::back_inserter(bases));
  std::erase_if(bases, [](const Step& s) { return s.items.empty() && s.writes.empty(); });
  return bases;
}

Result<void> Settler::run(const Step& step, const Token& token, uint64_t low, bool keep) {
  std::vector<model::Ino> inodes;
  auto concern = [&](const Write& write) {
    if (auto parsed = parts_.keys.parse(write.key)) inodes.push_back(parsed->ino);
  };
  for (const Write& write : step.writes) concern(write);
  for (const PendingPtr& item : step.items) std::ranges::for_each(item->record.writes, concern);
  const Timestamp now = parts_.clock.now();

  Progress after = progress_;
  after.low = low;
  for (const PendingPtr& item : step.items)
    after.highest_seq = std::max(after.highest_seq, item->record.seq);
  {
    Stripes::Held held(parts_.stripes, inodes);
    MDP_TRY_VOID(transact(parts_.tables, [&](store::Transaction& transaction) -> Result<void> {
      RowWriter rows(transaction, parts_.keys, parts_.validity);
      for (const Write& write : step.writes) MDP_TRY_VOID(rows.applied(write, token));
      for (const PendingPtr& item : step.items) {
        for (const Write& write : item->record.writes)
          MDP_TRY_VOID(rows.settled(write, item->record.seq));
        const std::string key = store::number_key(item->record.seq);
        MDP_TRY_VOID(transaction.erase(Table::kOplog, key));
        if (keep)
          MDP_TRY_VOID(transaction.put(Table::kApplied, key, applied_row(now, item->bytes)));
      }
      return save(transaction, after);
    }));
  }
  progress_ = after;
  if (keep) applied_.added(step.items.size());
  for (const PendingPtr& item : step.items) {
    window_.removed(item->record.seq);
    parts_.backlog.removed(item->record.seq);
  }
  return {};
}

Result<void> Settler::settle(const SyncBatch& batch, uint64_t low) {
  // What an earlier call has done already is not in the window any more.
  std::vector<PendingPtr> left;
  for (const PendingPtr& item : batch.items)
    if (window_.items().contains(item->record.seq)) left.push_back(item);
  for (const Step& step : steps(left, batch.merged.writes))
    MDP_TRY_VOID(run(step, batch.token, low, true));
  tell_differences(batch);
  return {};
}

Result<void> Settler::settle_known(std::span<const PendingPtr> items, uint64_t low) {
  // What the server holds of them now was not seen, and our own writes make no push.
  for (const PendingPtr& item : items)
    for (const Write& write : item->record.writes)
      if (parts_.keys.parse(write.key)) parts_.validity.invalidated(write.key);
  for (const Step& step : steps(items, {})) MDP_TRY_VOID(run(step, {}, low, true));
  return {};
}

Result<void> Settler::forget(std::span<const PendingPtr> items) {
  for (const Step& step : steps(items, {})) MDP_TRY_VOID(run(step, {}, progress_.low, false));
  return {};
}

void Settler::tell_differences(const SyncBatch& batch) {
  std::unordered_map<std::string_view, std::string_view> attrs;  // as they were acknowledged
  std::unordered_set<std::string> entries;
  for (const PendingPtr& item : batch.items)
    for (const Write& write : item->record.writes) {
      if (write.op == WriteOp::kSet) attrs[write.key] = write.value;
      if (write.op == WriteOp::kHSet || write.op == WriteOp::kHDel)
        entries.insert(write.key + '\0' + write.field + '\0' + write.value);
    }
  std::unordered_set<model::Ino> told;
  for (const Write& write : batch.merged.writes) {
    const auto parsed = parts_.keys.parse(write.key);
    if (!parsed) continue;
    if (parsed->kind == 'i' && write.op == WriteOp::kSet) {
      auto local = attrs.find(write.key);
      if (local == attrs.end() || !same_attr(local->second, write.value))
        parts_.host.attr_changed(parsed->ino);
    }
    const bool entry = parsed->kind == 'd' &&
                       (write.op == WriteOp::kHSet || write.op == WriteOp::kHDel);
    if (entry && !entries.contains(write.key + '\0' + write.field + '\0' + write.value) &&
        told.insert(parsed->ino).second)
      parts_.host.names_changed(parsed->ino);
  }
}

}  // namespace fastmeta::engine
