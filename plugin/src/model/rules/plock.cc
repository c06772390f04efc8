// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <optional>

#include "model/rules/checks.h"
#include "model/rules/lock_table.h"
#include "model/rules/locks.h"

namespace fastmeta::model {

namespace {

constexpr uint32_t kNone = static_cast<uint32_t>(LockType::kNone);
constexpr uint32_t kWrite = static_cast<uint32_t>(LockType::kWrite);
constexpr uint64_t kEndOfFile = INT64_MAX;

Result<LockRange> checked(LockRange range) {
  range.end = std::min(range.end, kEndOfFile);
  if (range.start > range.end || range.type > kNone) return answer(EINVAL);
  return range;
}

bool in_the_way(const LockRange& held, const LockRange& wanted) {
  return held.start <= wanted.end && wanted.start <= held.end &&
         (held.type == kWrite || wanted.type == kWrite);
}

// The first range of another owner that stands in the way.
Result<std::optional<LockRange>> conflict(const LockTable& table, const LockRange& wanted) {
  std::optional<LockRange> first;
  for (const auto& [field, value] : table.fields()) {
    if (table.is_mine(field)) continue;
    auto ranges = decode_lock_ranges(value);
    if (!ranges) return table.corrupt(field, ranges.error().text);
    for (LockRange held : *ranges) {
      if (!in_the_way(held, wanted) || (first && first->start <= held.start)) continue;
      if (!table.is_of_session(field)) held.pid = 0;
      first = held;
    }
  }
  return first;
}

bool continues(const LockRange& a, const LockRange& b) {
  return a.type == b.type && a.pid == b.pid && a.end + 1 == b.start;
}

// An owner's ranges after `set` took the place of what it covers.
std::vector<LockRange> with(const std::vector<LockRange>& held, const LockRange& set) {
  std::vector<LockRange> pieces;
  for (const LockRange& range : held) {
    LockRange before = range, after = range;
    before.end = set.start == 0 ? 0 : std::min(range.end, set.start - 1);
    after.start = std::max(range.start, set.end + 1);
    if (set.start != 0 && before.start <= before.end) pieces.push_back(before);
    if (after.start <= after.end) pieces.push_back(after);
  }
  if (set.type != kNone) pieces.push_back(set);
  std::ranges::sort(pieces, {}, &LockRange::start);
  std::vector<LockRange> merged;
  for (const LockRange& piece : pieces) {
    if (!merged.empty() && continues(merged.back(), piece)) {
      merged.back().end = piece.end;
    } else {
      merged.push_back(piece);
    }
  }
  return merged;
}

}  // namespace

Result<void> set_plock(const View& seen, Ino ino, uint64_t owner, const LockRange& range,
                       Mutations& out) {
  MDP_TRY(LockRange wanted, checked(range));
  MDP_TRY(LockTable table, LockTable::load(seen, seen.keys().plock(ino), owner));
  if (wanted.type == kNone && !table.own()) return {};
  if (wanted.type != kNone) {
    MDP_TRY(auto held, conflict(table, wanted));
    if (held) return answer(EAGAIN);
  }
  std::vector<LockRange> mine;
  if (const std::string* stored = table.own()) {
    auto ranges = decode_lock_ranges(*stored);
    if (!ranges) return table.corrupt("(own)", ranges.error().text);
    mine = std::move(*ranges);
  }
  mine = with(mine, wanted);
  if (mine.empty()) {
    table.erase(out);
  } else {
    // Also after an unlock: the list of the session names this key already.
    table.store(encode_lock_ranges(mine), out);
  }
  return {};
}

Result<LockRange> get_plock(const View& seen, Ino ino, uint64_t owner, const LockRange& range) {
  MDP_TRY(LockRange wanted, checked(range));
  MDP_TRY(LockTable table, LockTable::load(seen, seen.keys().plock(ino), owner));
  std::optional<LockRange> first;
  if (wanted.type != kNone) {
    MDP_TRY(first, conflict(table, wanted));
  }
  if (first) return *first;
  wanted.type = kNone;
  return wanted;
}

}  // namespace fastmeta::model
