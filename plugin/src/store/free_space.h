// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the disk has room. WiredTiger panics when a write of its own finds none,
// so writers are told earlier.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "util/result.h"

namespace fastmeta::store {

class FreeSpace {
 public:
  // reserve: below it the store's users should stop to write. Far below it
  // (`floor`) commits are refused: what drains a backlog still writes until then.
  FreeSpace(std::string dir, uint64_t reserve, uint64_t floor)
      : dir_(std::move(dir)), reserve_(reserve), floor_(floor) {}

  Result<void> above_reserve() { return above(reserve_); }
  Result<void> above_floor() { return above(floor_); }
  // So many bytes were committed: they may fill the disk faster than it is asked.
  void on_written(uint64_t bytes) { written_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  Result<void> above(uint64_t needed);
  void refresh(bool now);
  uint64_t estimate() const;

  const std::string dir_;
  const uint64_t reserve_, floor_;
  std::atomic<int64_t> refresh_at_ns_{0};
  std::atomic<uint64_t> free_bytes_{UINT64_MAX};  // when it was last asked
  std::atomic<uint64_t> written_{0};              // since then
};

}  // namespace fastmeta::store
