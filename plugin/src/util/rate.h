// SPDX-License-Identifier: GPL-3.0-or-later
// How often something happens, over the last seconds.
//
// Threads: the caller's lock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace fastmeta {

class Rate {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr int kSeconds = 5;

  void happened(Time now) {
    const int64_t second = of(now);
    Bucket& bucket = buckets_[static_cast<size_t>(second % kBuckets)];
    if (bucket.second != second) bucket = {second, 0};
    ++bucket.count;
  }
  // Of the last kSeconds whole seconds.
  double per_second(Time now) const {
    const int64_t second = of(now);
    uint64_t sum = 0;
    for (const Bucket& bucket : buckets_)
      if (bucket.second < second && bucket.second >= second - kSeconds) sum += bucket.count;
    return static_cast<double>(sum) / kSeconds;
  }

 private:
  static constexpr int kBuckets = kSeconds + 1;
  struct Bucket {
    int64_t second = -1;
    uint64_t count = 0;
  };
  static int64_t of(Time now) {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  }
  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace fastmeta
