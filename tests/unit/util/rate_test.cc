// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "util/rate.h"

namespace fastmeta::test {
namespace {

Rate::Time at(double seconds) {
  return Rate::Time(std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000)));
}

TEST(Rate, IsThatOfTheLastWholeSeconds) {
  Rate rate;
  EXPECT_EQ(rate.per_second(at(0)), 0);
  for (int i = 0; i < 100; ++i) rate.happened(at(7.5));
  EXPECT_EQ(rate.per_second(at(7.9)), 0) << "its second is not over";
  EXPECT_EQ(rate.per_second(at(8)), 20);
  EXPECT_EQ(rate.per_second(at(12.9)), 20);
  EXPECT_EQ(rate.per_second(at(13)), 0);
  for (int second = 20; second < 30; ++second)
    for (int i = 0; i < 7; ++i) rate.happened(at(second + i / 10.0));
  EXPECT_EQ(rate.per_second(at(30)), 7);
}

}  // namespace
}  // namespace fastmeta::test
