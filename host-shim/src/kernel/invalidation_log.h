// SPDX-License-Identifier: GPL-3.0-or-later
// The last invalidations by number, so that an answer that was being made while
// one came is noticed. Forgetting the oldest is safe: what is not known counts as
// a match.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace fastmeta::host {

class InvalidationLog {
 public:
  static constexpr size_t kKept = 4096;

  uint64_t last() const { return last_; }

  void inode(uint64_t ino) { push({Kind::kInode, ino, 0}); }
  void name(uint64_t parent, std::string_view name) {
    push({Kind::kName, parent, std::hash<std::string_view>{}(name)});
  }
  void all_names(uint64_t parent) { push({Kind::kAllNames, parent, 0}); }
  void all() { push({Kind::kAll, 0, 0}); }

  // Whether one that came after number `seen` is about this inode, or this name.
  bool touched_inode(uint64_t seen, uint64_t ino) const {
    return any_since(seen, [&](const Row& row) {
      return row.kind == Kind::kAll || (row.kind == Kind::kInode && row.ino == ino);
    });
  }
  bool touched_name(uint64_t seen, uint64_t parent, std::string_view name) const {
    if (seen == last_) return false;
    const size_t hash = std::hash<std::string_view>{}(name);
    return any_since(seen, [&](const Row& row) {
      if (row.kind == Kind::kAll) return true;
      if (row.ino != parent) return false;
      return row.kind == Kind::kAllNames || (row.kind == Kind::kName && row.hash == hash);
    });
  }

 private:
  enum class Kind : uint8_t { kInode, kName, kAllNames, kAll };
  struct Row {
    Kind kind;
    uint64_t ino;
    size_t hash;
  };

  void push(Row row) { rows_[last_++ % kKept] = row; }

  template <typename Match>
  bool any_since(uint64_t seen, Match match) const {
    if (last_ - seen > kKept) return true;
    for (uint64_t at = seen; at < last_; ++at) {
      if (match(rows_[at % kKept])) return true;
    }
    return false;
  }

  std::array<Row, kKept> rows_{};
  uint64_t last_ = 0;
};

}  // namespace fastmeta::host
