// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/overlay.h"

#include <algorithm>
#include <map>

#include "util/check.h"

namespace fastmeta::model {
namespace {

// The interval map: pieces by where they begin, never overlapping.
using Pieces = std::map<uint32_t, SliceRecord>;

uint32_t end_of(const SliceRecord& piece) { return piece.pos + piece.len; }

// The part of a piece inside [from, to).
SliceRecord part(SliceRecord piece, uint32_t from, uint32_t to) {
  if (piece.id != 0) piece.off += from - piece.pos;
  piece.pos = from;
  piece.len = to - from;
  return piece;
}

void lay(Pieces& pieces, const SliceRecord& record) {
  if (record.len == 0) return;
  const uint32_t from = record.pos;
  const uint32_t to = end_of(record);
  auto it = pieces.lower_bound(from);
  if (it != pieces.begin() && end_of(std::prev(it)->second) > from) --it;
  while (it != pieces.end() && it->first < to) {
    const SliceRecord old = it->second;
    it = pieces.erase(it);
    if (old.pos < from) pieces.emplace(old.pos, part(old, old.pos, from));
    if (end_of(old) > to) it = pieces.emplace(to, part(old, to, end_of(old))).first;
  }
  // What a record of zeros says beside its range has no meaning.
  pieces.emplace(from, record.id == 0 ? SliceRecord{from, 0, 0, 0, record.len} : record);
}

void add_zeros(std::vector<SliceRecord>& out, uint32_t from, uint32_t to) {
  if (from == to) return;
  if (!out.empty() && out.back().id == 0)
    out.back().len += to - from;
  else
    out.push_back({from, 0, 0, 0, to - from});
}

}  // namespace

std::vector<SliceRecord> overlay(std::span<const SliceRecord> records) {
  Pieces pieces;
  for (const SliceRecord& record : records) {
    MDP_CHECK(uint64_t{record.pos} + record.len <= kChunkBytes);  // decode_slice saw to it
    lay(pieces, record);
  }
  std::vector<SliceRecord> out;
  uint32_t end = 0;
  for (const auto& [pos, piece] : pieces) {
    add_zeros(out, end, pos);
    end = end_of(piece);
    if (piece.id == 0)
      add_zeros(out, pos, end);
    else
      out.push_back(piece);
  }
  return out;
}

std::vector<SliceRecord> cut(std::span<const SliceRecord> pieces, uint32_t pos, uint32_t len) {
  const uint64_t end = uint64_t{pos} + len;
  std::vector<SliceRecord> out;
  for (const SliceRecord& piece : pieces) {
    if (end_of(piece) <= pos) continue;
    if (piece.pos >= end) break;
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(end_of(piece), end));
    const uint32_t from = std::max(piece.pos, pos);
    if (from < to) out.push_back(part(piece, from, to));
  }
  return out;
}

}  // namespace fastmeta::model
