// SPDX-License-Identifier: GPL-3.0-or-later
// What a rule may ask of the store, as physical reads, and the raw answers. All
// executors speak of reads in these terms: Redis, the local store, and an
// overlay of pending mutations answer them alike.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fastmeta::model {

enum class ReadKind : uint8_t {
  kString,     // GET key
  kField,      // HGET key field
  kHash,       // HGETALL key (small hashes only: parents, xattrs, locks)
  kHashCount,  // HLEN key
  kList,       // LRANGE key 0 -1
};

struct ReadKey {
  ReadKind kind = ReadKind::kString;
  std::string key;
  std::string field;   // kField only
  bool watch = true;   // false: a later change of it does not matter to the rule

  auto operator<=>(const ReadKey& o) const {
    if (auto c = kind <=> o.kind; c != 0) return c;
    if (auto c = key <=> o.key; c != 0) return c;
    return field <=> o.field;
  }
  bool operator==(const ReadKey& o) const { return (*this <=> o) == 0; }
};

// A raw answer. Which members count follows from the kind of the read.
struct RawValue {
  bool exists = false;                                       // kString, kField
  std::string bytes;                                         // kString, kField
  uint64_t count = 0;                                        // kHashCount
  std::vector<std::string> items;                            // kList, oldest first
  std::vector<std::pair<std::string, std::string>> fields;   // kHash

  bool operator==(const RawValue&) const = default;
};

}  // namespace fastmeta::model
