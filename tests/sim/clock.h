// SPDX-License-Identifier: GPL-3.0-or-later
// What clocks show in virtual time, those of clients and the server's: the same.
#pragma once

#include "sim/scheduler.h"
#include "util/clock.h"

namespace fastmeta::sim {

class SimClock final : public Clock {
 public:
  explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  // A new hour begins soon.
  Timestamp now() const override {
    return Timestamp::from_nanos(int64_t{1'800'000'000} * kSecond - kSecond / 2 +
                                 scheduler_.now());
  }
  Timestamp even() const override { return now(); }

 private:
  const Scheduler& scheduler_;
};

}  // namespace fastmeta::sim
