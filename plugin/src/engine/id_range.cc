// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/id_range.h"

#include <algorithm>

namespace fastmeta::engine {

IdRange::IdRange(uint64_t reserve, uint64_t low_water, uint64_t first_usable, Lease lease,
                 std::function<void()> wake_refill)
    : reserve_(reserve),
      low_water_(low_water),
      first_usable_(first_usable),
      lease_(std::move(lease)),
      wake_refill_(std::move(wake_refill)) {}

Result<IdRange::Range> IdRange::lease_range() {
  for (uint64_t wanted = reserve_;;) {
    MDP_TRY(const uint64_t last, lease_(wanted));
    MDP_CHECK(last >= wanted);
    // A server that went back gives numbers that we have used already (I10).
    const uint64_t above = highest();
    const Range range{std::max({last - wanted + 1, first_usable_, above + 1}), last};
    if (range.left() > 0) return range;
    wanted = reserve_ + (above - last);
  }
}

Result<uint64_t> IdRange::next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (current_.left() == 0) std::swap(current_, spare_);
    if (current_.left() > 0) {
      const uint64_t id = current_.next++;
      const bool low = !leasing_ && spare_.left() == 0 && current_.left() < low_water_;
      lock.unlock();
      if (low) wake_refill_();
      return id;
    }
    if (leasing_) {  // bounded by the deadline of the one who asks the server
      leased_.wait(lock);
      continue;
    }
    leasing_ = true;
    lock.unlock();
    auto range = lease_range();
    lock.lock();
    leasing_ = false;
    leased_.notify_all();
    if (!range) return std::move(range).error();
    current_ = *range;
    highest_ = std::max(highest_, range->last);
  }
}

void IdRange::refill() {
  {
    std::lock_guard lock(mutex_);
    if (leasing_ || spare_.left() > 0 || current_.left() >= low_water_) return;
    leasing_ = true;
  }
  auto range = lease_range();  // a failure shows when next() finds nothing left
  std::lock_guard lock(mutex_);
  leasing_ = false;
  leased_.notify_all();
  if (!range) return;
  spare_ = *range;
  highest_ = std::max(highest_, range->last);
}

void IdRange::restore(uint64_t next, uint64_t last, uint64_t highest) {
  std::lock_guard lock(mutex_);
  if (next != 0) current_ = {next, last};
  highest_ = std::max(highest_, highest);
}

std::pair<uint64_t, uint64_t> IdRange::left_over() {
  std::lock_guard lock(mutex_);
  Range left = std::exchange(current_, {});
  const Range spare = std::exchange(spare_, {});
  if (left.left() == 0) {
    left = spare;
  } else if (spare.left() > 0 && spare.next == left.last + 1) {
    left.last = spare.last;  // nobody else took numbers in between
  }
  if (left.left() == 0) return {0, 0};
  return {left.next, left.last};
}

uint64_t IdRange::highest() const {
  std::lock_guard lock(mutex_);
  return highest_;
}

}  // namespace fastmeta::engine
