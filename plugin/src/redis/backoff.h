// SPDX-License-Identifier: GPL-3.0-or-later
// Growing pauses between attempts, each shortened at random so that clients which
// lost the server together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace fastmeta::redis {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max)
      : initial_(initial), max_(max), current_(initial), random_(std::random_device{}()) {}

  // Between a half and the whole of the current pause, which then doubles.
  std::chrono::microseconds next() {
    auto whole = std::chrono::microseconds(current_).count();
    current_ = std::min(current_ * 2, max_);
    std::uniform_int_distribution<int64_t> pick(whole / 2, whole);
    return std::chrono::microseconds(pick(random_));
  }
  void reset() { current_ = initial_; }

 private:
  std::chrono::milliseconds initial_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds current_;
  std::minstd_rand random_;
};

}  // namespace fastmeta::redis
