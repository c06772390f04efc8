// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/ticker.h"

#include <pthread.h>

namespace fastmeta::store {

void Ticker::start(const char* name, std::chrono::milliseconds interval,
                   std::function<void()> work) {
  thread_ = std::thread([this, interval, work = std::move(work)] {
    std::unique_lock lock(mutex_);
    while (!woken_.wait_for(lock, interval, [&] { return stopping_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  });
  pthread_setname_np(thread_.native_handle(), name);
}

void Ticker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace fastmeta::store
