// SPDX-License-Identifier: GPL-3.0-or-later
// One flush for all who ask for it at the same time. Who comes while one runs needs
// the next, as the running one may have begun before their commit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "util/result.h"

namespace fastmeta::store {

class GroupSync {
 public:
  // flush: runs without a lock held, in the thread of one of the callers.
  explicit GroupSync(std::function<Result<void>()> flush) : flush_(std::move(flush)) {}

  // Returns after a flush that began after this call did.
  Result<void> sync();

 private:
  const std::function<Result<void>()> flush_;
  std::mutex mutex_;  // not held across flush_
  std::condition_variable done_changed_;
  uint64_t started_ = 0;  // flushes; guarded by mutex_, as all below
  uint64_t done_ = 0;
  bool running_ = false;
  // The last flush that failed: its waiters have to hear of it.
  uint64_t failed_ = 0;
  Error failure_;
};

}  // namespace fastmeta::store
