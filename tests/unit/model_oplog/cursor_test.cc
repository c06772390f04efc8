// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "model/client_cursor.h"
#include "support/seed.h"

namespace fastmeta::test {
namespace {

using namespace model;  // NOLINT
constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

std::string after(ClientCursor cursor, std::initializer_list<uint64_t> added) {
  for (uint64_t seq : added) cursor.add(seq);
  return encode_cursor(cursor);
}

TEST(ClientCursor, RangesGrowMeetAndRaiseLow) {
  const ClientCursor ten{0xab, 10, {}};
  EXPECT_EQ(after(ten, {}), "1 ab 10");
  EXPECT_EQ(after(ten, {11}), "1 ab 11");
  EXPECT_EQ(after(ten, {12}), "1 ab 10 12-12");
  EXPECT_EQ(after(ten, {12, 13, 14}), "1 ab 10 12-14");
  EXPECT_EQ(after(ten, {14, 13, 12}), "1 ab 10 12-14");
  EXPECT_EQ(after(ten, {12, 14}), "1 ab 10 12-12 14-14");
  EXPECT_EQ(after(ten, {12, 14, 13}), "1 ab 10 12-14");
  EXPECT_EQ(after(ten, {12, 14, 13, 11}), "1 ab 14");
  EXPECT_EQ(after(ten, {13, 11}), "1 ab 11 13-13");
  EXPECT_EQ(after(ten, {20, 15, 12, 11, 15, 3, 10}), "1 ab 12 15-15 20-20");
  EXPECT_EQ(after({0, 0, {}}, {0, 1}), "1 0 1");
  EXPECT_EQ(after({0, kMost - 1, {}}, {kMost, kMost}), "1 0 18446744073709551615");
  EXPECT_EQ(after({0, 5, {}}, {kMost, kMost - 1}),
            "1 0 5 18446744073709551614-18446744073709551615");
}

TEST(ClientCursor, TellsWhatIsApplied) {
  const ClientCursor cursor{1, 10, {{12, 14}, {20, 20}}};
  for (uint64_t seq : {0, 10, 12, 13, 14, 20}) EXPECT_TRUE(cursor.applied(seq)) << seq;
  for (uint64_t seq : {11, 15, 19, 21}) EXPECT_FALSE(cursor.applied(seq)) << seq;
  EXPECT_EQ(cursor.highest(), 20u);
  EXPECT_EQ((ClientCursor{1, 10, {}}.highest()), 10u);
}

// In any order, as a set of numbers.
TEST(ClientCursor, RandomOrdersEndAsTheSameSet) {
  Dice dice(random_seed());
  for (int round = 0; round < 300; ++round) {
    ClientCursor cursor{round + 1u, dice.below(5), {}};
    std::set<uint64_t> applied;
    for (uint64_t seq = 0; seq <= cursor.low; ++seq) applied.insert(seq);
    for (int i = 0; i < 40; ++i) {
      const uint64_t seq = dice.below(50);
      cursor.add(seq);
      applied.insert(seq);
      for (uint64_t n = 0; n < 52; ++n) ASSERT_EQ(cursor.applied(n), applied.contains(n)) << n;
      ASSERT_EQ(cursor.highest(), *applied.rbegin());
      auto again = decode_cursor(encode_cursor(cursor));
      ASSERT_TRUE(again.has_value()) << again.error().text;
      ASSERT_EQ(*again, cursor);
    }
  }
}

TEST(ClientCursor, OnlyWhatItWritesIsRead) {
  auto wrong = [](std::string_view text) {
    auto cursor = decode_cursor(text);
    return cursor ? "nothing" : cursor.error().text.substr(sizeof "client cursor, offset" );
  };
  EXPECT_EQ(wrong("1 ff 3 5-6 8-8"), "nothing");
  EXPECT_EQ(wrong(""), "0: a version other than 1 and 2");
  EXPECT_EQ(wrong("3 ff 3"), "0: a version other than 1 and 2");
  EXPECT_EQ(wrong("2 ff 7 3 5-6"), "nothing");
  EXPECT_EQ(wrong("2 ff 0 3"), "5: the fence is no number above 0");
  EXPECT_EQ(wrong("2 ff 3"), "6: the lower end is no number");
  EXPECT_EQ(wrong("1"), "1: the incarnation is no hexadecimal number");
  EXPECT_EQ(wrong("1 fg 3"), "2: the incarnation is no hexadecimal number");
  EXPECT_EQ(wrong("1 11112222333344445 3"), "2: the incarnation is no hexadecimal number");
  EXPECT_EQ(wrong("1 ff"), "4: the lower end is no number");
  EXPECT_EQ(wrong("1 ff -3"), "5: the lower end is no number");
  EXPECT_EQ(wrong("1 ff 3 4-5"), "7: a range touches what is before it");
  EXPECT_EQ(wrong("1 ff 3 6-7 8-9"), "11: a range touches what is before it");
  EXPECT_EQ(wrong("1 ff 3 9-9 6-7"), "11: a range touches what is before it");
  EXPECT_EQ(wrong("1 ff 18446744073709551615 0-9"), "26: a range touches what is before it");
  EXPECT_EQ(wrong("1 ff 3 7-6"), "7: not a range of numbers");
  EXPECT_EQ(wrong("1 ff 3 7"), "7: not a range of numbers");
  EXPECT_EQ(wrong("1 ff 3  7-8"), "7: not a range of numbers");
  EXPECT_EQ(wrong("1 FF 3"), "6: not in the form it is written in");
  EXPECT_EQ(wrong("1 ff 03"), "7: not in the form it is written in");
  EXPECT_EQ(wrong("1 ff 3 "), "7: not in the form it is written in");
  EXPECT_EQ(wrong("1 ff 3\n"), "5: the lower end is no number");
}

}  // namespace
}  // namespace fastmeta::test
