// SPDX-License-Identifier: GPL-3.0-or-later
// Lock requests that wait. Each has a thread of its own: it may wait for ever, and
// the threads that serve requests must stay free for the one that unlocks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

namespace fastmeta::host {

class LockWaiters {
 public:
  static constexpr size_t kMax = 1024;

  ~LockWaiters() { stop(); }

  // False when there are too many already, or no thread can be had.
  bool start(std::function<void()> wait);
  const std::atomic<bool>& stopping() const { return stopping_; }
  // Makes all of them give up and waits until they have.
  void stop();

 private:
  void ended();

  std::mutex mutex_;
  std::condition_variable none_left_;
  size_t waiting_ = 0;
  std::atomic<bool> stopping_{false};
};

}  // namespace fastmeta::host
