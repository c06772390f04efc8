// SPDX-License-Identifier: GPL-3.0-or-later
// What a server holds, as a value. Ordered containers only: every walk is the same each time.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <variant>

namespace fastmeta::test {

// A small hash is one block that HSCAN answers at once; one that has ever been large is a
// table for the rest of its life, which HSCAN walks in steps.
struct Hash {
  std::map<std::string, std::string> fields;
  bool is_table = false;

  bool empty() const { return fields.empty(); }
  bool operator==(const Hash&) const = default;
};
using List = std::deque<std::string>;
using Set = std::set<std::string>;
using SortedSet = std::map<std::string, double>;  // member -> score

using Value = std::variant<std::string, List, Set, SortedSet, Hash>;
using Keyspace = std::map<std::string, Value, std::less<>>;

}  // namespace fastmeta::test
