// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/group_sync.h"

namespace fastmeta::store {

Result<void> GroupSync::sync() {
  std::unique_lock lock(mutex_);
  const uint64_t needed = started_ + 1;
  for (;;) {
    if (done_ >= needed) {
      if (failed_ >= needed) return failure_;
      return {};
    }
    if (!running_) break;
    done_changed_.wait(lock);
  }

  running_ = true;
  const uint64_t mine = ++started_;
  lock.unlock();
  Result<void> flushed = flush_();
  lock.lock();
  running_ = false;
  done_ = mine;
  if (!flushed) {
    failed_ = mine;
    failure_ = flushed.error();
  }
  done_changed_.notify_all();
  return flushed;
}

}  // namespace fastmeta::store
