// SPDX-License-Identifier: GPL-3.0-or-later
// The part of Redis that rules use, in memory: typed values, the writes of
// Mutations with Redis' own semantics (an emptied collection is gone), and the
// reads of a View. A command on a value of another type ends the test.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "model/mutations.h"
#include "model/read_key.h"

namespace fastmeta::test {

class MemoryStore {
 public:
  using String = std::string;
  using Hash = std::map<std::string, std::string>;
  using List = std::vector<std::string>;
  using Set = std::set<std::string>;
  struct SortedSet {
    std::map<std::string, int64_t> scores;
    bool operator==(const SortedSet&) const = default;
  };
  using Value = std::variant<String, Hash, List, Set, SortedSet>;

  model::RawValue read(const model::ReadKey& key) const;

  // The integer reply of each write, as EXEC would give it (SET, LTRIM: 0).
  std::vector<int64_t> apply(const model::Mutations& mutations);
  int64_t apply(const model::Write& write);

  // Nothing when there is no such key.
  template <typename T>
  const T* get(const std::string& key) const {
    auto at = values_.find(key);
    return at == values_.end() ? nullptr : std::get_if<T>(&at->second);
  }
  std::optional<std::string> field(const std::string& key, const std::string& field) const;
  // The value of a counter, 0 when there is none.
  int64_t counter(const std::string& key) const;

  std::map<std::string, Value>& values() { return values_; }
  const std::map<std::string, Value>& values() const { return values_; }
  bool operator==(const MemoryStore&) const = default;

 private:
  std::map<std::string, Value> values_;
};

}  // namespace fastmeta::test
