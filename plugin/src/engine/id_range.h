// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers leased from a counter of the volume (nextinode, nextchunk), refilled
// ahead of need in the background. A number is never given twice; what is left
// at the end is abandoned.
//
// Threads: any. No lock is held while the server is asked.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "util/result.h"

namespace fastmeta::engine {

class IdRange {
 public:
  // Adds `count` to the counter and returns its new value.
  using Lease = std::function<Result<uint64_t>(uint64_t count)>;

  IdRange(uint64_t reserve, uint64_t low_water, uint64_t first_usable, Lease lease,
          std::function<void()> wake_refill);

  // The next number; asks the server only when none is left.
  Result<uint64_t> next();
  // Called by the background thread when wake_refill was: leases a range when
  // few are left.
  void refill();
  // Before the first next(): numbers that an earlier life left (next 0: none), and the
  // largest it ever leased.
  void restore(uint64_t next, uint64_t last, uint64_t highest);
  // At the end: the first and last of what is left in one piece; {0, 0}: nothing. They
  // are not given any more.
  std::pair<uint64_t, uint64_t> left_over();
  // The largest number ever leased here: the server's counter must not be below.
  uint64_t highest() const;

 private:
  struct Range {
    uint64_t next = 1;
    uint64_t last = 0;  // empty: next > last
    uint64_t left() const { return next > last ? 0 : last - next + 1; }
  };
  Result<Range> lease_range();

  const uint64_t reserve_, low_water_, first_usable_;
  const Lease lease_;
  const std::function<void()> wake_refill_;
  mutable std::mutex mutex_;
  std::condition_variable leased_;
  Range current_, spare_;
  uint64_t highest_ = 0;
  bool leasing_ = false;
};

}  // namespace fastmeta::engine
