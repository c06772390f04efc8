// SPDX-License-Identifier: GPL-3.0-or-later
// Time enters through here, so that tests can stand it still.
#pragma once

#include <chrono>
#include <cstdint>

namespace fastmeta {

// Wall-clock time as the schema stores it.
struct Timestamp {
  int64_t sec = 0;
  uint32_t nsec = 0;

  auto operator<=>(const Timestamp&) const = default;
  // Nanoseconds since 1970, of a clock: enough until the year 2262. What is stored may be any
  // time; since() and next() are for that.
  int64_t nanos() const { return sec * 1'000'000'000 + nsec; }
  // How long it is after `other`, in ns; the longest that there is when it is longer.
  int64_t since(const Timestamp& other) const {
    int64_t s = 0, ns = 0;
    if (__builtin_sub_overflow(sec, other.sec, &s) ||
        __builtin_mul_overflow(s, int64_t{1'000'000'000}, &ns) ||
        __builtin_add_overflow(ns, int64_t{nsec} - int64_t{other.nsec}, &ns))
      return sec < other.sec ? INT64_MIN : INT64_MAX;
    return ns;
  }
  // 1 ns later.
  Timestamp next() const {
    if (nsec + 1 < 1'000'000'000) return {sec, nsec + 1};
    return {sec == INT64_MAX ? INT64_MIN : sec + 1, 0};
  }
  static Timestamp from_nanos(int64_t ns) {
    int64_t sec = ns / 1'000'000'000;
    int64_t rest = ns % 1'000'000'000;
    if (rest < 0) {
      rest += 1'000'000'000;
      --sec;
    }
    return {sec, static_cast<uint32_t>(rest)};
  }
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const {
    return Timestamp::from_nanos(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  }
  // The same when first asked for; goes on evenly when somebody sets the clock. For how long ago
  // something was.
  virtual Timestamp even() const {
    static const Timestamp begin = Clock().now();
    static const auto begun = std::chrono::steady_clock::now();
    return Timestamp::from_nanos(begin.nanos() +
                                 std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun)
                                     .count());
  }
};

// Less than `age` ago. What lies in the future is of before the clock was set back.
inline bool is_recent(Timestamp then, Timestamp now, std::chrono::nanoseconds age) {
  return then <= now && now.since(then) < age.count();
}

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline deadline_in(std::chrono::milliseconds d) {
  return std::chrono::steady_clock::now() + d;
}

}  // namespace fastmeta
