// SPDX-License-Identifier: GPL-3.0-or-later
// The entries of a directory in the order in which they were found: names in
// one arena, 24 bytes and the name per entry. Positions are stable; names are
// unique (a scan may report one twice).
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "model/types.h"

namespace fastmeta::engine {

class Listing {
 public:
  struct Item {
    std::string_view name;
    model::Dentry dentry;
  };

  Listing() : index_(16, Hash{this}, Equal{this}) {}
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // A name that is there already keeps its position and its first value.
  void add(std::string_view name, const model::Dentry& dentry);

  size_t size() const { return items_.size(); }
  Item at(size_t position) const;
  // The entry of that name, or nullptr-like: found is false.
  bool find(std::string_view name, model::Dentry* out) const;
  size_t bytes() const;

 private:
  struct Slot {
    uint64_t ino;
    uint32_t name_at;
    uint8_t name_len;
    model::FileType type;
  };
  std::string_view name_of(uint32_t position) const {
    const Slot& s = items_[position];
    return {names_.data() + s.name_at, s.name_len};
  }
  // The index holds positions and compares the names behind them.
  struct Hash {
    using is_transparent = void;
    const Listing* of;
    size_t operator()(std::string_view n) const { return std::hash<std::string_view>{}(n); }
    size_t operator()(uint32_t p) const { return (*this)(of->name_of(p)); }
  };
  struct Equal {
    using is_transparent = void;
    const Listing* of;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(std::string_view a, uint32_t b) const { return a == of->name_of(b); }
    bool operator()(uint32_t a, std::string_view b) const { return of->name_of(a) == b; }
  };

  std::vector<Slot> items_;
  std::vector<char> names_;
  std::unordered_set<uint32_t, Hash, Equal> index_;
};

}  // namespace fastmeta::engine
