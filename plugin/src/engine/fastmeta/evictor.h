// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the local store below cache.max-size: clean rows go, in the order of their keys
// from where the last pass ended; rows of inodes with pending changes stay.
//
// Threads: pass() by one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "engine/fastmeta/parts.h"

namespace fastmeta::engine {

class Evictor {
 public:
  explicit Evictor(Parts& parts) : parts_(parts) {}

  // Nothing to do while the store is small enough. Bounded: at most kRowsEach rows a
  // call; true: call again soon.
  Result<bool> pass();
  uint64_t evicted() const { return evicted_; }

 private:
  static constexpr size_t kRowsEach = 2000;

  Parts& parts_;
  std::string from_;  // key of the next row to look at
  uint64_t evicted_ = 0;
};

}  // namespace fastmeta::engine
