// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/slices.h"

#include "model/overlay.h"
#include "model/schema/codec.h"

namespace fastmeta::sim {

using model::SliceRecord;

namespace {

void add(std::vector<SliceRecord>& out, SliceRecord piece) {
  piece.size = 0;
  if (piece.id == 0) piece.off = 0;
  if (!out.empty()) {
    SliceRecord& last = out.back();
    const bool goes_on = last.id == piece.id && last.pos + last.len == piece.pos &&
                         (piece.id == 0 || last.off + last.len == piece.off);
    if (goes_on) {
      last.len += piece.len;
      return;
    }
  }
  out.push_back(piece);
}

}  // namespace

std::vector<SliceRecord> Slices::expanded(std::span<const SliceRecord> pieces) const {
  std::vector<SliceRecord> out;
  for (const SliceRecord& piece : pieces) {
    const auto made = made_of_.find(piece.id);
    if (piece.id == 0 || made == made_of_.end()) {
      add(out, piece);
      continue;
    }
    for (SliceRecord part : model::cut(made->second, piece.off, piece.len)) {
      part.pos = piece.pos + (part.pos - piece.off);
      add(out, part);
    }
  }
  return out;
}

void Slices::merged(uint64_t id, uint32_t pos, const std::vector<SliceRecord>& pieces) {
  std::vector<SliceRecord> from_start = expanded(pieces);
  for (SliceRecord& piece : from_start) piece.pos -= pos;
  made_of_.emplace(id, std::move(from_start));
}

std::vector<SliceRecord> Slices::shown(const std::vector<std::string>& items) const {
  std::vector<SliceRecord> records;
  for (const std::string& item : items)
    if (auto slice = model::decode_slice(item)) records.push_back(*slice);
  std::vector<SliceRecord> out = expanded(model::overlay(records));
  while (!out.empty() && out.back().id == 0) out.pop_back();  // as if it ended there
  return out;
}

}  // namespace fastmeta::sim
