// SPDX-License-Identifier: GPL-3.0-or-later
// Who holds byte-range locks through this mount. A close by an owner releases its
// locks on that inode; without this every close would ask the plugin.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace fastmeta::host {

class LockOwners {
 public:
  void add(uint64_t ino, uint64_t owner) {
    std::lock_guard lock(mutex_);
    owners_[ino].insert(owner);
  }
  // True when the owner was there.
  bool remove(uint64_t ino, uint64_t owner) {
    std::lock_guard lock(mutex_);
    const auto found = owners_.find(ino);
    if (found == owners_.end() || found->second.erase(owner) == 0) return false;
    if (found->second.empty()) owners_.erase(found);
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<uint64_t, std::unordered_set<uint64_t>> owners_;
};

}  // namespace fastmeta::host
