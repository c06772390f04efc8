// SPDX-License-Identifier: GPL-3.0-or-later
// The data that slices stand for, as far as it matters here: what a merged slice was made
// of, and which slices are no more.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/types.h"

namespace fastmeta::sim {

class Slices {
 public:
  // `pieces`: as a plan has them, from `pos` on.
  void merged(uint64_t id, uint32_t pos, const std::vector<model::SliceRecord>& pieces);
  void deleted(uint64_t id) { deleted_.insert(id); }
  bool is_deleted(uint64_t id) const { return deleted_.contains(id); }

  // What a chunk shows, down to what was written, so that lists that were merged and lists
  // that were not can be compared.
  std::vector<model::SliceRecord> shown(const std::vector<std::string>& items) const;

 private:
  std::vector<model::SliceRecord> expanded(std::span<const model::SliceRecord> pieces) const;

  std::map<uint64_t, std::vector<model::SliceRecord>> made_of_;  // positions from 0 on
  std::set<uint64_t> deleted_;
};

}  // namespace fastmeta::sim
