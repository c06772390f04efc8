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

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "model/oplog_record.h"
#include "model/schema/keys.h"

namespace fastmeta::engine {

class HeldLocks {
 public:
  // Bytes first to last; all of a flock.
  struct Span {
    uint64_t first = 0, last = std::numeric_limits<uint64_t>::max();
  };
  // key: "lockf5" or "lockp5". pid 0: unknown.
  void granted(model::Ino ino, const std::string& key, uint64_t owner, uint32_t pid, Span span) {
    std::lock_guard lock(mutex_);
    Holder& holder = held_[{ino, key, owner}];
    holder.pid = pid;
    holder.take_off(span);
    holder.spans.push_back(span);
  }
  void released(model::Ino ino, const std::string& key, uint64_t owner, Span span) {
    std::lock_guard lock(mutex_);
    const auto at = held_.find({ino, key, owner});
    if (at == held_.end()) return;
    at->second.take_off(span);
    if (at->second.spans.empty()) held_.erase(at);
  }

  std::vector<model::LockGuard> guards(model::Ino content, uint32_t pid, uint64_t session) const {
    std::lock_guard lock(mutex_);
    std::vector<model::LockGuard> found;
    for (const auto& [lock_of, holder] : held_) {
      const bool file = content != 0 && lock_of.ino == content;
      const bool process = pid != 0 && holder.pid == pid;
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
  struct Holder {
    uint32_t pid = 0;
    std::vector<Span> spans;  // without overlaps
    void take_off(Span gone) {
      std::vector<Span> left;
      for (const Span& span : spans) {
        if (span.first < gone.first)
          left.push_back({span.first, std::min(span.last, gone.first - 1)});
        if (span.last > gone.last)
          left.push_back({std::max(span.first, gone.last + 1), span.last});
      }
      spans = std::move(left);
    }
  };
  mutable std::mutex mutex_;
  std::map<Lock, Holder> held_;
};

}  // namespace fastmeta::engine
