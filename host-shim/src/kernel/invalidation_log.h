// SPDX-License-Identifier: GPL-3.0-or-later
// When a name or an inode was last said to be old, by number, so that an answer that is
// older is noticed. Keys share buckets: what happened to another key of its bucket counts
// as its own, which is safe, and no answer is too old to be judged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace fastmeta::host {

class InvalidationLog {
 public:
  static constexpr size_t kBuckets = 4096;

  uint64_t last() const { return last_; }

  void inode(uint64_t ino) { inodes_[ino % kBuckets] = ++last_; }
  void all_inodes() { all_inodes_ = ++last_; }
  void name(uint64_t parent, std::string_view name) { names_[bucket(parent, name)] = ++last_; }
  void all_names(uint64_t parent) { dirs_[parent % kBuckets] = ++last_; }
  void all() { all_ = ++last_; }

  // Whether one that came after number `seen` is about this inode, or this name.
  bool touched_inode(uint64_t seen, uint64_t ino) const {
    return all_ > seen || all_inodes_ > seen || inodes_[ino % kBuckets] > seen;
  }
  bool touched_name(uint64_t seen, uint64_t parent, std::string_view name) const {
    if (last_ <= seen) return false;
    return all_ > seen || dirs_[parent % kBuckets] > seen || names_[bucket(parent, name)] > seen;
  }

 private:
  static size_t bucket(uint64_t parent, std::string_view name) {
    return (std::hash<std::string_view>{}(name) + parent) % kBuckets;
  }

  std::array<uint64_t, kBuckets> inodes_{}, names_{}, dirs_{};
  uint64_t all_inodes_ = 0, all_ = 0;
  uint64_t last_ = 0;
};

}  // namespace fastmeta::host
