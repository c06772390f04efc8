// SPDX-License-Identifier: GPL-3.0-or-later
// Where things are in the directory of a store, and which files are ours.
//
//   <dir>/identity   which volume, which format (identity.h)
//   <dir>/lock       held while it is open; holds the process id
//   <dir>/clean      there when the last stop was clean
//   <dir>/db/        WiredTiger's: its metadata, one .wt file per table, its log
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "store/tables.h"
#include "util/result.h"

namespace fastmeta::store {

inline constexpr std::array<const char*, kTableCount> kTableNames = {
    "rows", "oplog", "applied", "journal", "identity"};
static_assert(static_cast<size_t>(Table::kIdentity) + 1 == kTableCount, "a name for each table");

struct Layout {
  explicit Layout(std::string directory) : dir(std::move(directory)) {
    while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  }

  std::string identity() const { return dir + "/identity"; }
  std::string lock() const { return dir + "/lock"; }
  std::string clean() const { return dir + "/clean"; }
  std::string db() const { return dir + "/db"; }

  std::string dir;
};

inline std::string table_uri(Table table) {
  return std::string("table:") + kTableNames[static_cast<size_t>(table)];
}

// Of a name in db/: whether WiredTiger has made it for us; whether it is its log.
bool is_database_file(std::string_view name);
bool is_log_file(std::string_view name);

// kLocalStore naming what a complete database must have and does not. WiredTiger
// itself would make some of these anew, empty, without a word.
Result<void> check_files(const Layout& layout);

// Removes db/ with our files in it; others stay, and then so does the directory.
Result<void> remove_database(const Layout& layout);

}  // namespace fastmeta::store
