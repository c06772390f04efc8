// SPDX-License-Identifier: GPL-3.0-or-later
#include "util/clock.h"

#include <gtest/gtest.h>

namespace fastmeta::test {
namespace {

TEST(Timestamp, IsSoLongAfterAnother) {
  const Timestamp early{1'700'000'000, 999'999'999}, late{1'700'000'002, 1};
  EXPECT_EQ(late.since(early), 1'000'000'002);
  EXPECT_EQ(early.since(late), -1'000'000'002);
  EXPECT_EQ(early.since(early), 0);
}

// What another client has stored may be any number of seconds: found by fuzz_values.
TEST(Timestamp, OfAnyStoredTimeComparesWithNow) {
  const Timestamp now{1'700'000'000, 5}, far{551'455'813'888, 0};
  EXPECT_EQ(now.since(far), INT64_MIN);
  EXPECT_EQ(far.since(now), INT64_MAX);
  EXPECT_EQ(Timestamp({INT64_MAX, 0}).since({INT64_MIN, 0}), INT64_MAX);
  EXPECT_EQ(Timestamp({INT64_MIN, 0}).since({INT64_MAX, 999'999'999}), INT64_MIN);
}

TEST(Timestamp, HasANextOneThatDiffers) {
  EXPECT_EQ(Timestamp({5, 999'999'998}).next(), (Timestamp{5, 999'999'999}));
  EXPECT_EQ(Timestamp({5, 999'999'999}).next(), (Timestamp{6, 0}));
  EXPECT_EQ(Timestamp({-1, 999'999'999}).next(), (Timestamp{0, 0}));
  EXPECT_EQ(Timestamp({16'725'225'600, 7}).next(), (Timestamp{16'725'225'600, 8})) << "year 2500";
  EXPECT_NE(Timestamp({INT64_MAX, 999'999'999}).next(), (Timestamp{INT64_MAX, 999'999'999}));
}

}  // namespace
}  // namespace fastmeta::test
