// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/evictor.h"

#include <set>
#include <vector>

#include "engine/fastmeta/row_writer.h"

namespace fastmeta::engine {

Result<bool> Evictor::pass() {
  if (parts_.tables.stats().bytes_on_disk <= parts_.config.cache.max_size) return false;
  std::vector<std::string> names;
  {
    MDP_TRY(auto transaction, parts_.tables.begin());
    MDP_TRY_VOID(transaction->scan(store::Table::kRows, from_,
                                   [&](std::string_view key, std::string_view) {
                                     names.emplace_back(key);
                                     return names.size() < kRowsEach;
                                   }));
  }
  from_ = names.size() < kRowsEach ? std::string() : names.back();
  if (names.empty()) return false;

  std::set<model::Ino> inodes;
  for (const std::string& name : names)
    if (auto parsed = parts_.keys.parse(parse_row_key(name).key)) inodes.insert(parsed->ino);
  const std::vector<model::Ino> locked(inodes.begin(), inodes.end());
  Stripes::Held held(parts_.stripes, locked);
  MDP_TRY(auto transaction, parts_.tables.begin());
  RowWriter rows(*transaction, parts_.keys, parts_.validity);
  uint64_t gone = 0;
  for (const std::string& name : names) {
    const RowName parts = parse_row_key(name);
    const auto parsed = parts_.keys.parse(parts.key);
    if (!parsed) continue;
    MDP_TRY(Row row, rows.load(name));
    if (row.local != Row::Local::kNone) continue;
    // What tells that a row without a trace is empty has to go first.
    const std::string inode_name = row_key(parts_.keys.attr(parsed->ino));
    MDP_TRY(Row inode, rows.load(inode_name));
    if (inode.local != Row::Local::kNone) continue;
    if (inode.born && inode_name != name) {
      inode.born.reset();
      MDP_TRY_VOID(rows.save(inode_name, inode));
    }
    if (parts.in_hash && !parts.marker) {
      const std::string marker_name = marker_key(parts.key);
      MDP_TRY(Row marker, rows.load(marker_name));
      if (marker.local != Row::Local::kNone) continue;
      if (!marker.blank()) MDP_TRY_VOID(transaction->erase(store::Table::kRows, marker_name));
    }
    MDP_TRY_VOID(transaction->erase(store::Table::kRows, name));
    ++gone;
  }
  MDP_TRY_VOID(transaction->commit());
  evicted_ += gone;
  return true;
}

}  // namespace fastmeta::engine
