// SPDX-License-Identifier: GPL-3.0-or-later
// How a record concerns keys, and whether the order of two records matters.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/oplog_record.h"
#include "model/schema/keys.h"

namespace fastmeta::model {

struct KeyUse {
  enum How : uint8_t {
    kRead = 1,
    kWrite = 2,
    kAdd = 4,     // a sum: those of two records may be done in any order
    kParent = 8,  // i{ino} of a directory whose entries change: times and links, which are
                  // computed anew from what is stored and so come out the same in any order
  };
  std::string key;
  std::string field;   // or member
  bool whole = false;  // all fields, or a value without fields
  How how = kRead;
  bool operator==(const KeyUse&) const = default;
};

// Another record's uses of the same place (KeyUse::How, or-ed) before or behind which one of
// this kind has to stay.
uint8_t excluded_by(KeyUse::How how);

// What the record read and wrote when it was acknowledged, and the inodes it names.
std::vector<KeyUse> key_uses(const KeySpace& keys, const OplogRecord& record);

// The uses of some records, to ask which other records share a key with one of them:
// one reads or writes what the other writes.
class KeyUses {
 public:
  void add(const std::vector<KeyUse>& uses);
  bool shared_by(const std::vector<KeyUse>& uses) const;
  bool empty() const { return keys_.empty(); }

 private:
  struct Key {
    uint8_t whole = 0;      // KeyUse::How, or-ed
    uint8_t any_field = 0;
    std::unordered_map<std::string, uint8_t> fields;
  };
  std::unordered_map<std::string, Key> keys_;
};

}  // namespace fastmeta::model
