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

 private:
  Result<void> above(uint64_t needed);
  void refresh();

  const std::string dir_;
  const uint64_t reserve_, floor_;
  std::atomic<int64_t> refresh_at_ns_{0};
  std::atomic<uint64_t> free_bytes_{UINT64_MAX};
};

}  // namespace fastmeta::store
