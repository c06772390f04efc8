// SPDX-License-Identifier: GPL-3.0-or-later
// Since when the plugin has refused changes for the time being. It is one state
// of all files: when it has lasted too long, nobody waits for it any more.
#pragma once

#include <atomic>
#include <chrono>

namespace fastmeta::host {

class Refusals {
 public:
  using Clock = std::chrono::steady_clock;

  // A commit was refused. Whether it is worth trying again.
  bool wait_again(std::chrono::milliseconds patience) {
    const Clock::rep now = Clock::now().time_since_epoch().count();
    Clock::rep since = 0;
    if (since_.compare_exchange_strong(since, now)) since = now;
    return Clock::duration(now - since) < patience;
  }
  void over() {
    if (since_.load(std::memory_order_relaxed) != 0) since_ = 0;
  }

 private:
  std::atomic<Clock::rep> since_{0};  // 0: it accepts changes
};

}  // namespace fastmeta::host
