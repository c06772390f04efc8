// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/lock_waiters.h"

#include <system_error>
#include <thread>

namespace fastmeta::host {

bool LockWaiters::start(std::function<void()> wait) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_ >= kMax || stopping_) return false;
    ++waiting_;
  }
  try {
    std::thread([this, wait = std::move(wait)] {
      wait();
      ended();
    }).detach();
  } catch (const std::system_error&) {
    ended();
    return false;
  }
  return true;
}

void LockWaiters::ended() {
  // Under the mutex to the end: stop() may be followed by our destruction.
  std::lock_guard lock(mutex_);
  --waiting_;
  none_left_.notify_all();
}

void LockWaiters::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  none_left_.wait(lock, [&] { return waiting_ == 0; });
}

}  // namespace fastmeta::host
