// SPDX-License-Identifier: GPL-3.0-or-later
// Since when the plugin has refused changes for the time being. It is one state
// of all files: when it has lasted too long, nobody waits for it any more.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

namespace fastmeta::host {

class Refusals {
 public:
  using Clock = std::chrono::steady_clock;

  // A commit was refused. Whether it is worth trying again.
  bool wait_again(std::chrono::milliseconds patience, Clock::time_point now = Clock::now()) {
    std::lock_guard lock(mutex_);
    // That changes were accepted in between shows only where there was one. Who waits is
    // refused again long before the pause is over.
    const auto pause = std::max<Clock::duration>(patience, kPauseMin);
    if (!refused_.exchange(true) || now - last_ > pause) since_ = now;
    last_ = now;
    return now - since_ < patience;
  }
  void over() {
    if (refused_.load(std::memory_order_relaxed)) refused_ = false;
  }

 private:
  static constexpr std::chrono::seconds kPauseMin{1};

  std::atomic<bool> refused_{false};  // by the last commit
  std::mutex mutex_;                  // a leaf
  Clock::time_point since_, last_;    // guarded by mutex_
};

}  // namespace fastmeta::host
