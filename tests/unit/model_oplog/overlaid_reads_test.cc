// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>

#include "model/merge.h"
#include "random_writes.h"

namespace fastmeta::test {
namespace {

using namespace model;  // NOLINT

RawValue raw_value(const std::string& bytes) {
  RawValue raw;
  raw.exists = true;
  raw.bytes = bytes;
  return raw;
}

TEST(OverlaidReads, WhatWasNotLoadedIsUnknown) {
  OverlaidReads reads;
  const ReadKey key{ReadKind::kString, "s", {}};
  EXPECT_EQ(reads.find(key), nullptr);
  reads.write({WriteOp::kIncrBy, "s", {}, {}, 1});
  EXPECT_EQ(reads.find(key), nullptr);
  reads.write({WriteOp::kSet, "s", {}, "5", 0});
  ASSERT_NE(reads.find(key), nullptr);
  EXPECT_EQ(reads.find(key)->bytes, "5");
  reads.clear();
  EXPECT_EQ(reads.find(key), nullptr);
}

TEST(OverlaidReads, EarlierWritesAreOverALaterLoad) {
  OverlaidReads reads;
  reads.write({WriteOp::kRPush, "l", {}, "new", 0});
  RawValue list;
  list.items = {"old"};
  reads.load({ReadKind::kList, "l", {}}, list);
  EXPECT_EQ(reads.find({ReadKind::kList, "l", {}})->items,
            (std::vector<std::string>{"old", "new"}));
}

TEST(OverlaidReads, AfterDelTheServersAnswerDoesNotMatter) {
  OverlaidReads reads;
  reads.write({WriteOp::kDel, "h", {}, {}, 0});
  reads.write({WriteOp::kHSet, "h", "f", "1", 0});
  reads.load({ReadKind::kField, "h", "g"}, raw_value("2"));
  EXPECT_FALSE(reads.find({ReadKind::kField, "h", "g"})->exists);
  EXPECT_EQ(reads.find({ReadKind::kHashCount, "h", {}})->count, 1u);
  EXPECT_EQ(reads.find({ReadKind::kHash, "h", {}})->fields.size(), 1u);
}

TEST(OverlaidReads, TheCountFollowsFieldsThatWereSeen) {
  OverlaidReads reads;
  RawValue one;
  one.count = 1;
  reads.load({ReadKind::kHashCount, "d5", {}}, one);
  reads.load({ReadKind::kField, "d5", "a"}, raw_value("x"));
  reads.load({ReadKind::kField, "d5", "b"}, {});
  reads.write({WriteOp::kHSet, "d5", "b", "x", 0});
  EXPECT_EQ(reads.find({ReadKind::kHashCount, "d5", {}})->count, 2u);
  reads.write({WriteOp::kHDel, "d5", "a", {}, 0});
  reads.write({WriteOp::kHDel, "d5", "b", {}, 0});
  EXPECT_EQ(reads.find({ReadKind::kHashCount, "d5", {}})->count, 0u);
}

TEST(OverlaidReads, ADirectoryNeverSeemsEmptyByAGuess) {
  OverlaidReads reads;
  RawValue one;
  one.count = 1;
  reads.load({ReadKind::kHashCount, "d5", {}}, one);
  reads.write({WriteOp::kHDel, "d5", "never seen", {}, 0});
  EXPECT_EQ(reads.find({ReadKind::kHashCount, "d5", {}})->count, 1u);
}

TEST(OverlaidReads, WhatRedisRefusesChangesNothing) {
  OverlaidReads reads;
  reads.load({ReadKind::kString, "s", {}}, raw_value("no number"));
  reads.write({WriteOp::kIncrBy, "s", {}, {}, 1});
  EXPECT_EQ(reads.find({ReadKind::kString, "s", {}})->bytes, "no number");
  reads.load({ReadKind::kString, "n", {}}, raw_value(std::to_string(INT64_MAX)));
  reads.write({WriteOp::kIncrBy, "n", {}, {}, 1});
  EXPECT_EQ(reads.find({ReadKind::kString, "n", {}})->bytes, std::to_string(INT64_MAX));
}

ReadKey random_read(Dice& dice) {
  const std::string n = std::to_string(dice.below(2));
  switch (dice.below(5)) {
    case 0: return {ReadKind::kString, "s" + n, {}};
    case 1: return {ReadKind::kHash, "h" + n, {}};
    case 2: return {ReadKind::kHashCount, "h" + n, {}};
    case 3: return {ReadKind::kList, "l" + n, {}};
    default: return {ReadKind::kField, "h" + n, "f" + std::to_string(dice.below(3))};
  }
}

RawValue sorted(RawValue raw) {
  std::ranges::sort(raw.fields);
  return raw;
}

// Loads of the server's answers and writes in any order. `seen`: fields are loaded
// before they are written, as the rules do; then the count is exact.
void random_overlay(Dice& dice, bool seen) {
  const MemoryStore server = random_store(dice);
  MemoryStore after = server;
  OverlaidReads reads;
  for (int step = 0; step < 40; ++step) {
    if (dice.one_in(2)) {
      const Write write = random_write(dice);
      const ReadKey field{ReadKind::kField, write.key, write.field};
      if (seen && write.key.starts_with('h') && write.op != WriteOp::kDel)
        reads.load(field, server.read(field));
      reads.write(write);
      after.apply(write);
    } else {
      const ReadKey read = random_read(dice);
      reads.load(read, server.read(read));
      ASSERT_NE(reads.find(read), nullptr);
    }
    for (int look = 0; look < 3; ++look) {
      const ReadKey read = random_read(dice);
      const RawValue* found = reads.find(read);
      if (!found) continue;
      const RawValue want = after.read(read);
      if (read.kind == ReadKind::kHashCount && !seen) {
        ASSERT_GE(found->count, want.count);
      } else {
        ASSERT_EQ(sorted(*found), want) << step << " " << read.key << " " << read.field;
      }
    }
  }
}

TEST(OverlaidReads, AnswersWhatTheServerWouldAnswerAfterTheWrites) {
  Dice dice(random_seed());
  for (int round = 0; round < 10000 && !::testing::Test::HasFatalFailure(); ++round) {
    SCOPED_TRACE(round);
    random_overlay(dice, round % 2 == 0);
  }
}

}  // namespace
}  // namespace fastmeta::test
