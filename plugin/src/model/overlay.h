// SPDX-License-Identifier: GPL-3.0-or-later
// From the list of a chunk's records to the pieces that are visible.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/types.h"
#include "util/result.h"

namespace fastmeta::model {

// Applies the records from oldest to newest. The pieces are ordered by pos,
// cover [0, end of the last record) without gaps (a gap is a piece with id 0,
// size 0, off 0) and neighbours that are both zeros are merged.
std::vector<SliceRecord> overlay(std::span<const SliceRecord> records);

// The part of ordered gap-free pieces inside [pos, pos + len), cut at its ends
// (off follows a cut head). Bytes behind the last piece are not returned.
std::vector<SliceRecord> cut(std::span<const SliceRecord> pieces, uint32_t pos, uint32_t len);

// What compaction would do with a list: see schema, compaction.
struct CompactionPlan {
  uint32_t records = 0;  // looked at, from the oldest
  uint32_t skipped = 0;  // left alone at the front
  uint32_t pos = 0;      // of the merged slice
  uint32_t size = 0;     // > 0
  std::vector<SliceRecord> pieces;  // to read, in order, from pos on
};
// Nothing when fewer than two records would be merged.
std::optional<CompactionPlan> plan_compaction(std::span<const SliceRecord> records);

}  // namespace fastmeta::model
