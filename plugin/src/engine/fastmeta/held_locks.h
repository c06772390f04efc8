// SPDX-License-Identifier: GPL-3.0-or-later
// The locks that users of this mount hold, so that a change made under one carries it:
// should the session be cleaned away before the change is sent, its successor's data
// must not be overwritten.
//
// Guards a change of the locked file itself, and any change by the process that holds a
// lock (programs lock one file to change another).
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/oplog_record.h"
#include "model/schema/keys.h"

namespace fastmeta::engine {

class HeldLocks {
 public:
  // key: "lockf5" or "lockp5". pid 0: unknown.
  void granted(model::Ino ino, const std::string& key, uint64_t owner, uint32_t pid) {
    std::lock_guard lock(mutex_);
    held_[{ino, key, owner}] = pid;
  }
  void released(model::Ino ino, const std::string& key, uint64_t owner) {
    std::lock_guard lock(mutex_);
    held_.erase({ino, key, owner});
  }
  bool holds(model::Ino ino, const std::string& key, uint64_t owner) const {
    std::lock_guard lock(mutex_);
    return held_.contains({ino, key, owner});
  }
  void clear() {
    std::lock_guard lock(mutex_);
    held_.clear();
  }

  std::vector<model::LockGuard> guards(model::Ino content, uint32_t pid, uint64_t session) const {
    std::lock_guard lock(mutex_);
    std::vector<model::LockGuard> found;
    for (const auto& [lock_of, holder] : held_) {
      const bool file = content != 0 && lock_of.ino == content;
      const bool process = pid != 0 && holder == pid;
      if (!file && !process) continue;
      if (!found.empty() && found.back().key == lock_of.key) continue;
      found.push_back({session, lock_of.key});
    }
    return found;
  }

 private:
  struct Lock {
    model::Ino ino = 0;
    std::string key;
    uint64_t owner = 0;
    auto operator<=>(const Lock&) const = default;
  };
  mutable std::mutex mutex_;
  std::map<Lock, uint32_t> held_;  // -> pid
};

}  // namespace fastmeta::engine
