// SPDX-License-Identifier: GPL-3.0-or-later
// A thread that does one thing again and again until it is stopped.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace fastmeta::store {

class Ticker {
 public:
  Ticker() = default;
  Ticker(const Ticker&) = delete;
  ~Ticker() { stop(); }

  void start(const char* name, std::chrono::milliseconds interval, std::function<void()> work);
  // Waits for work that is running. Again: no effect.
  void stop();
  // For work that takes long.
  bool stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

 private:
  std::mutex mutex_;  // not held across the work
  std::condition_variable woken_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace fastmeta::store
