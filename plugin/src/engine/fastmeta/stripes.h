// SPDX-License-Identifier: GPL-3.0-or-later
// Locks over inodes, by number: whoever changes rows of an inode (its attributes,
// entries, chunks …) or relies on them holds its stripe, from before the snapshot to
// after the commit. Snapshot isolation alone would let an rmdir and a create in that
// directory both win.
//
// Always taken in ascending order of stripes; never held across a call to the server,
// to the host or a wait for the backlog.
#pragma once

#include <algorithm>
#include <array>
#include <mutex>
#include <span>
#include <vector>

#include "model/types.h"

namespace fastmeta::engine {

class Stripes {
 public:
  static constexpr size_t kCount = 1024;

  // Several at once; let go of at destruction.
  class Held {
   public:
    Held(Stripes& stripes, std::span<const model::Ino> inodes) : stripes_(stripes) {
      taken_.reserve(inodes.size());
      for (model::Ino ino : inodes) taken_.push_back(index(ino));
      std::sort(taken_.begin(), taken_.end());
      taken_.erase(std::unique(taken_.begin(), taken_.end()), taken_.end());
      for (size_t i : taken_) stripes_.locks_[i].lock();
    }
    ~Held() {
      for (size_t i : taken_) stripes_.locks_[i].unlock();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    bool covers(model::Ino ino) const {
      return std::binary_search(taken_.begin(), taken_.end(), index(ino));
    }

   private:
    static size_t index(model::Ino ino) { return (ino * 0x9E3779B97F4A7C15u >> 32) % kCount; }
    Stripes& stripes_;
    std::vector<size_t> taken_;
  };

 private:
  std::array<std::mutex, kCount> locks_;
};

}  // namespace fastmeta::engine
