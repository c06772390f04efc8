// SPDX-License-Identifier: GPL-3.0-or-later
// Inodes of which an acknowledged change was sacrificed to a conflict: their users are
// told once, by EIO at the next fsync or close (files) or fsync (directories). Inodes
// that were undone altogether answer EIO to every later read and write through an open
// handle, and what is still written to them goes to the journal entry.
//
// Threads: any. Bounded: beyond kMax inodes the oldest reports are dropped (the journal
// has them all).
#pragma once

#include <cerrno>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "model/types.h"
#include "util/result.h"

namespace fastmeta::engine {

// What users of such an inode are told.
inline Error undone() { return {Fault::kAnswer, EIO, "the file was undone by a conflict"}; }

class Sacrifices {
 public:
  static constexpr size_t kMax = 65'536;

  // gone: the inode itself was undone.
  void add(model::Ino ino, uint64_t conflict, bool gone) {
    std::lock_guard lock(mutex_);
    auto [it, added] = told_.try_emplace(ino);
    it->second.unreported = true;
    if (gone) it->second.gone = conflict;
    if (!added) return;
    order_.push_back(ino);
    if (order_.size() > kMax) {
      told_.erase(order_.front());
      order_.pop_front();
    }
  }
  // Answers true once after each add().
  bool report(model::Ino ino) {
    std::lock_guard lock(mutex_);
    auto it = told_.find(ino);
    return it != told_.end() && std::exchange(it->second.unreported, false);
  }
  // The journal entry of an inode that was undone.
  std::optional<uint64_t> gone(model::Ino ino) const {
    std::lock_guard lock(mutex_);
    auto it = told_.find(ino);
    if (it == told_.end() || it->second.gone == 0) return std::nullopt;
    return it->second.gone;
  }
  bool empty() const {
    std::lock_guard lock(mutex_);
    return told_.empty();
  }
  size_t unreported() const {
    std::lock_guard lock(mutex_);
    size_t n = 0;
    for (const auto& [ino, one] : told_) n += one.unreported;
    return n;
  }

 private:
  struct One {
    bool unreported = false;
    uint64_t gone = 0;  // number of the journal entry
  };
  mutable std::mutex mutex_;
  std::unordered_map<model::Ino, One> told_;
  std::deque<model::Ino> order_;
};

}  // namespace fastmeta::engine
