// SPDX-License-Identifier: GPL-3.0-or-later
// Which records of a chunk become one slice. The choice is the standard
// client's, so that two clients that compact in turn do not undo each other.
#include <algorithm>

#include "model/overlay.h"

namespace fastmeta::model {
namespace {

constexpr size_t kRecordsMax = 1000;
// A record at the front that is at least this long, and at least a fifth of
// the whole, is cheaper left alone than copied.
constexpr uint32_t kLargeBytes = 1 << 20;
constexpr uint64_t kLargeShare = 5;

struct Merged {
  std::vector<SliceRecord> pieces;
  uint32_t size = 0;
};

// What has to be stored to replace the records: zeros inside stay, those at
// both ends go, and nothing but zeros is stored as one zero byte.
Merged merge_slices(std::span<const SliceRecord> records) {
  Merged merged{overlay(records), 0};
  auto& pieces = merged.pieces;
  if (pieces.size() > 1 && pieces.front().id == 0) pieces.erase(pieces.begin());
  if (pieces.size() > 1 && pieces.back().id == 0) pieces.pop_back();
  if (pieces.size() == 1 && pieces.front().id == 0) pieces.front().len = 1;
  if (!pieces.empty())
    merged.size = pieces.back().pos + pieces.back().len - pieces.front().pos;
  return merged;
}

bool worth_skipping(std::span<const SliceRecord> rest, const Merged& merged) {
  const SliceRecord& first = rest.front();
  if (first.id == 0 || merged.pieces.empty()) return false;
  if (first.len < kLargeBytes || first.len * kLargeShare < merged.size) return false;
  // Covered in part by a later one, or behind other data: it cannot stay as it is.
  if (merged.pieces.front() != first) return false;
  return std::find(rest.begin() + 1, rest.end(), first) == rest.end();
}

}  // namespace

std::optional<CompactionPlan> plan_compaction(std::span<const SliceRecord> records) {
  auto rest = records.first(std::min(records.size(), kRecordsMax));
  CompactionPlan plan;
  plan.records = static_cast<uint32_t>(rest.size());
  while (rest.size() >= 2) {
    Merged merged = merge_slices(rest);
    if (!worth_skipping(rest, merged)) {
      if (merged.size == 0) return std::nullopt;
      plan.pos = merged.pieces.front().pos;
      plan.size = merged.size;
      plan.pieces = std::move(merged.pieces);
      return plan;
    }
    ++plan.skipped;
    rest = rest.subspan(1);
  }
  return std::nullopt;
}

}  // namespace fastmeta::model
