// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/settle.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
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

// The row that a write of a single field or value changes.
std::string row_of(const model::KeySpace& keys, const Write& write) {
  const char kind = keys.parse(write.key)->kind;
  const bool field = kind == 'd' || kind == 'p' || kind == 'x';
  return field ? row_key(write.key, write.field) : row_key(write.key);
}

// ctime is another in every replay.
bool same_attr(std::string_view a, std::string_view b) {
  constexpr size_t kCtime = 35, kCtimeEnd = 47;
  return a.size() == b.size() && a.size() > kCtimeEnd &&
         a.substr(0, kCtime) == b.substr(0, kCtime) && a.substr(kCtimeEnd) == b.substr(kCtimeEnd);
}

// A pending change ended over a base that shows something else.
bool shows_another(const Row& ended) {
  return ended.local == Row::Local::kValue && (ended.base != Row::Base::kPresent ||
                                               !same_attr(ended.local_value, ended.base_value));
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

Result<void> Settler::run(const Step& step, const Token& token, uint64_t low) {
  std::vector<model::Ino> inodes;
  auto concern = [&](const Write& write) {
    if (auto parsed = parts_.keys.parse(write.key)) inodes.push_back(parsed->ino);
  };
  for (const Write& write : step.writes) concern(write);
  for (const PendingPtr& item : step.items) std::ranges::for_each(item->record.writes, concern);
  const Timestamp now = parts_.clock.even();

  Progress after = progress_;
  after.low = low;
  for (const PendingPtr& item : step.items)
    after.highest_seq = std::max(after.highest_seq, item->record.seq);
  std::set<model::Ino> attrs;
  {
    Stripes::Held held(parts_.stripes, inodes);
    MDP_TRY_VOID(transact(parts_.tables, [&](store::Transaction& transaction) -> Result<void> {
      RowWriter rows(transaction, parts_.keys, parts_.validity);
      for (const Write& write : step.writes) MDP_TRY_VOID(rows.applied(write, token));
      for (const PendingPtr& item : step.items) {
        for (const Write& write : item->record.writes)
          MDP_TRY_VOID(end_pending(rows, write, item->record.seq, attrs));
        const std::string key = store::number_key(item->record.seq);
        MDP_TRY_VOID(transaction.erase(Table::kOplog, key));
        MDP_TRY_VOID(transaction.put(Table::kApplied, key, applied_row(now, item->bytes)));
      }
      return save(transaction, after);
    }));
  }
  progress_ = after;
  applied_.added(step.items.size());
  for (const PendingPtr& item : step.items) {
    window_.removed(item->record.seq);
    parts_.backlog.removed(item->record.seq);
  }
  for (model::Ino ino : attrs) parts_.host.attr_changed(ino);
  return {};
}

Result<void> Settler::end_pending(RowWriter& rows, const Write& write, uint64_t seq,
                                  std::set<model::Ino>& attrs) const {
  const auto parsed = parts_.keys.parse(write.key);
  if (!parsed || parsed->kind != 'i') return rows.settled(write, seq);
  std::optional<Row> ended;
  MDP_TRY_VOID(rows.settled(write, seq, &ended));
  if (!ended) return {};
  // A script patches over what others have changed: then nobody knows what there is now.
  if (shows_another(*ended) || !parts_.validity.valid(ended->base_token, write.key))
    attrs.insert(parsed->ino);
  return {};
}

Result<void> Settler::settle(const SyncBatch& batch, uint64_t low) {
  // What an earlier call has done already is not in the window any more.
  std::vector<PendingPtr> left;
  for (const PendingPtr& item : batch.items)
    if (window_.items().contains(item->record.seq)) left.push_back(item);
  for (const Step& step : steps(left, batch.merged.writes))
    MDP_TRY_VOID(run(step, batch.token, low));
  // The connection was lost since, and what others did meanwhile made no push: whoever has asked
  // since it is back was shown what was pending.
  if (batch.token.epoch != parts_.validity.epoch()) parts_.host.all_changed();
  tell_differences(batch);
  return {};
}

Result<void> Settler::settle_known(std::span<const PendingPtr> items, uint64_t low) {
  // What the server holds now was not seen, and our own writes make no push. The replay wrote
  // more than the records tell (times of parents, rows of another hour's trash).
  parts_.validity.raise_epoch();
  for (const Step& step : steps(items, {})) MDP_TRY_VOID(run(step, {}, low));
  // The kernel may have been shown what was pending, and that is not what the server made of it.
  parts_.host.all_changed();
  return {};
}

Result<void> Settler::forget(std::span<const PendingPtr> items) {
  // One transaction: half of a pair must not be left.
  std::set<uint64_t> gone;
  std::vector<model::Ino> inodes;
  using Place = std::pair<std::string_view, std::string_view>;  // key and field
  std::map<Place, std::vector<std::pair<uint64_t, const Write*>>> left;
  for (const PendingPtr& item : items) {
    gone.insert(item->record.seq);
    for (const Write& write : item->record.writes) {
      const auto parsed = parts_.keys.parse(write.key);
      if (!parsed) continue;
      inodes.push_back(parsed->ino);
      left.try_emplace({write.key, write.field});
    }
  }
  for (const auto& [seq, item] : window_.items()) {
    if (gone.contains(seq)) continue;
    for (const Write& write : item->record.writes)
      if (auto it = left.find({write.key, write.field}); it != left.end())
        it->second.emplace_back(seq, &write);
  }
  Progress after = progress_;
  after.highest_seq = std::max(after.highest_seq, *gone.rbegin());
  // The kernel may have been shown what went.
  std::set<model::Ino> attrs, folders;
  {
    Stripes::Held held(parts_.stripes, inodes);
    MDP_TRY_VOID(transact(parts_.tables, [&](store::Transaction& transaction) -> Result<void> {
      RowWriter rows(transaction, parts_.keys, parts_.validity);
      // Rows whose newest change goes, and that older pending records have written as well.
      std::vector<std::pair<Place, Row>> uncovered;
      for (const auto& [place, writes] : left) {
        if (writes.empty()) continue;
        MDP_TRY(Row row, rows.load(row_of(parts_.keys, *writes.front().second)));
        if (row.local != Row::Local::kNone && gone.contains(row.last_seq))
          uncovered.emplace_back(place, std::move(row));
      }
      for (const PendingPtr& item : items) {
        for (const Write& write : item->record.writes)
          MDP_TRY_VOID(end_pending(rows, write, item->record.seq, attrs));
        MDP_TRY_VOID(transaction.erase(Table::kOplog, store::number_key(item->record.seq)));
      }
      for (const auto& [place, writes] : left) {
        if (!writes.empty()) continue;
        const auto parsed = parts_.keys.parse(place.first);
        if (parsed->kind != 'd') continue;
        MDP_TRY(const bool absent, known_absent(rows, std::string(place.first),
                                                std::string(place.second)));
        if (!absent) folders.insert(parsed->ino);
      }
      for (auto& [place, row] : uncovered) {
        const auto& writes = left.at(place);
        const auto parsed = parts_.keys.parse(place.first);
        if (parsed->kind == 'i' && row.local == Row::Local::kValue) {
          // A directory whose entries came and went: times that were shown stay.
          row.last_seq = writes.back().first;
          MDP_TRY_VOID(rows.save(row_of(parts_.keys, *writes.front().second), row));
          continue;
        }
        for (const auto& [seq, write] : writes) MDP_TRY_VOID(rows.pending(*write, seq, false));
      }
      return save(transaction, after);
    }));
  }
  progress_ = after;
  for (const PendingPtr& item : items) {
    window_.removed(item->record.seq);
    parts_.backlog.removed(item->record.seq);
  }
  for (model::Ino ino : attrs) parts_.host.attr_changed(ino);
  for (model::Ino ino : folders) parts_.host.names_changed(ino);
  return {};
}

Result<bool> Settler::known_absent(RowWriter& rows, const std::string& dir,
                                   const std::string& name) const {
  MDP_TRY(const Row row, rows.load(row_key(dir, name)));
  if (row.base != Row::Base::kUnknown)
    return row.base == Row::Base::kAbsent && parts_.validity.valid(row.base_token, dir);
  if (row.base_token != Token{}) return false;
  MDP_TRY(const Row marker, rows.load(marker_key(dir)));
  return marker.base == Row::Base::kPresent && parts_.validity.valid(marker.base_token, dir);
}

void Settler::tell_differences(const SyncBatch& batch) {
  std::unordered_map<std::string_view, std::string_view> attrs;  // as they were acknowledged
  std::unordered_set<std::string> entries;
  std::unordered_map<std::string_view, model::Ino> hours;  // of the trash, as acknowledged
  for (const PendingPtr& item : batch.items)
    for (const Write& write : item->record.writes) {
      if (write.op == WriteOp::kSet) attrs[write.key] = write.value;
      if (const auto parsed = parts_.keys.parse(write.key);
          parsed && parsed->kind == 'd' && model::is_trash(parsed->ino))
        hours[write.key] = parsed->ino;
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
    hours.erase(write.key);
    const bool entry = parsed->kind == 'd' &&
                       (write.op == WriteOp::kHSet || write.op == WriteOp::kHDel);
    if (entry && !entries.contains(write.key + '\0' + write.field + '\0' + write.value) &&
        told.insert(parsed->ino).second)
      parts_.host.names_changed(parsed->ino);
  }
  // Names that the replay has put into a later hour are gone there.
  for (const auto& [key, hour] : hours) parts_.host.names_changed(hour);
}

}  // namespace fastmeta::engine
