// SPDX-License-Identifier: GPL-3.0-or-later
// Invalidations that are certainly our own: the first one of an inode that we
// created. Nobody can have changed it in the same cycle of the server's event
// loop, which is what an invalidation stands for, because nobody has been told
// of its number before that cycle ended. For keys that others know no such
// proof exists, and their invalidations are never taken for ours.
//
// Threads: any.
#pragma once

#include <mutex>
#include <string>
#include <unordered_set>

namespace fastmeta::engine {

class OwnEchoes {
 public:
  // Before the transaction that creates the key is sent.
  void expect(const std::string& key) {
    std::lock_guard lock(mutex_);
    expected_.insert(key);
  }
  // The transaction did not take effect, or nobody knows.
  void cancel(const std::string& key) {
    std::lock_guard lock(mutex_);
    expected_.erase(key);
  }
  // Is this invalidation the expected one? Then it counts for nothing.
  bool take(const std::string& key) {
    std::lock_guard lock(mutex_);
    return !expected_.empty() && expected_.erase(key) > 0;
  }
  // The connection that would have brought them is gone, or new.
  void clear() {
    std::lock_guard lock(mutex_);
    expected_.clear();
  }

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> expected_;
};

}  // namespace fastmeta::engine
