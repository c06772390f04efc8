// SPDX-License-Identifier: GPL-3.0-or-later
// A chunk as an array of cells, written by record after record: what every other
// way of looking at a chunk has to agree with.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "model/types.h"

namespace fastmeta::model {

// What stands at place `off` of slice `id`; never 0.
inline uint64_t cell_of(uint64_t id, uint32_t off) {
  return (id * 0x9E3779B97F4A7C15 ^ off * uint64_t{0xBF58476D1CE4E5B9}) | 1;
}

// The cells [0, space) of a chunk whose records are written in order. Numbers in
// the records are multiples of `unit`, and a cell stands for one unit.
inline std::vector<uint64_t> visible(std::span<const SliceRecord> records, uint32_t space,
                                     uint32_t unit = 1) {
  std::vector<uint64_t> cells(space);
  for (const SliceRecord& record : records)
    for (uint32_t i = 0; i < record.len / unit && record.pos / unit + i < space; ++i)
      cells[record.pos / unit + i] =
          record.id == 0 ? 0 : cell_of(record.id, record.off / unit + i);
  return cells;
}

// Ids are used once, as clients do it, but now and then a part of an earlier slice
// comes again, as copying makes it.
inline std::vector<SliceRecord> random_records(std::mt19937& random, size_t count, uint32_t space,
                                               uint32_t unit) {
  std::vector<SliceRecord> records;
  uint64_t next_id = 1;
  while (records.size() < count) {
    SliceRecord record;
    record.pos = random() % space;
    record.len = 1 + random() % (space - record.pos);
    if (random() % 3) record.len = 1 + record.len % (1 + space / 8);
    record.len = std::min(record.len, space - record.pos);
    const auto kind = random() % 8;
    if (kind == 0) {
      record.off = random() % 100;  // zeros, with an off that means nothing
    } else if (kind == 1 && !records.empty()) {
      record = records[random() % records.size()];
      const uint32_t drop = record.len > 1 ? random() % record.len : 0;
      record.off += drop * unit;
      record.len -= drop;
    } else {
      record.id = next_id++;
      record.off = random() % 4 ? 0 : random() % 10;
      record.size = (record.off + record.len + (random() % 4 ? 0 : random() % 10)) * unit;
      record.off *= unit;
    }
    records.push_back(record);
  }
  if (unit != 1) {
    for (SliceRecord& record : records) {
      record.pos *= unit;
      record.len *= unit;
    }
  }
  return records;
}

}  // namespace fastmeta::model
