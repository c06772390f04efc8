// SPDX-License-Identifier: GPL-3.0-or-later
// Seeds of random tests: a new one per run, printed; FASTMETA_SEED repeats one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace fastmeta::test {

inline uint64_t random_seed() {
  const char* given = std::getenv("FASTMETA_SEED");
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("FASTMETA_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

// Draws that do not depend on the standard library's distributions, so that a
// seed means the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t n) { return engine_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <typename Items>
  const auto& pick(const Items& items) {
    return *std::next(std::begin(items), static_cast<long>(below(std::size(items))));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace fastmeta::test
