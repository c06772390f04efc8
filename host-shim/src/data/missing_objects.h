// SPDX-License-Identifier: GPL-3.0-or-later
// Objects that were looked for in vain, for a while: whoever asks next, through
// whatever handle, does not wait all over again.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace fastmeta::host {

class MissingObjects {
 public:
  void add(const std::string& name) {
    const auto now = Clock::now();
    std::lock_guard lock(mutex_);
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    if (until_.size() < kNamesMax) until_[name] = now + kRemembered;
  }
  bool has(const std::string& name) const {
    std::lock_guard lock(mutex_);
    const auto it = until_.find(name);
    return it != until_.end() && Clock::now() < it->second;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kRemembered{10};
  static constexpr size_t kNamesMax = 1000;

  mutable std::mutex mutex_;  // a leaf
  std::unordered_map<std::string, Clock::time_point> until_;  // guarded by mutex_
};

}  // namespace fastmeta::host
