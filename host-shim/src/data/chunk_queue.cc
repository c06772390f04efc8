// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/chunk_queue.h"

#include <algorithm>

namespace fastmeta::host {
namespace {

constexpr size_t kLookBackMax = 16;  // slices looked at for one write
constexpr size_t kUnfinishedMax = 8;

}  // namespace

ChunkQueue::SlicePtr ChunkQueue::target(uint32_t pos, uint32_t n) const {
  size_t looked = 0;
  for (auto it = slices_.rbegin(); it != slices_.rend() && looked < kLookBackMax; ++it, ++looked) {
    if ((*it)->accepts(pos, n)) return *it;
    if ((*it)->overlaps(pos, n)) break;
  }
  return nullptr;
}

ChunkQueue::SlicePtr ChunkQueue::surplus() const {
  const auto unfinished = [](const SlicePtr& slice) { return !slice->finished(); };
  const auto count = std::count_if(slices_.begin(), slices_.end(), unfinished);
  if (static_cast<size_t>(count) < kUnfinishedMax) return nullptr;
  return *std::find_if(slices_.begin(), slices_.end(), unfinished);
}

ChunkQueue::Cover ChunkQueue::cover(uint32_t pos, uint32_t n, const OpenSlice** holder) const {
  for (auto it = slices_.rbegin(); it != slices_.rend(); ++it) {
    if (!(*it)->overlaps(pos, n)) continue;
    if (!(*it)->holds(pos, n)) return Cover::kMixed;
    *holder = it->get();
    return Cover::kHeld;
  }
  return Cover::kNone;
}

}  // namespace fastmeta::host
