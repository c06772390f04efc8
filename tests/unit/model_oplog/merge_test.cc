// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "model/merge.h"
#include "random_writes.h"
#include "support/describe_writes.h"

namespace fastmeta::test {
namespace {

using namespace model;  // NOLINT
using Lines = std::vector<std::string>;

Lines merged(const std::vector<Write>& writes) {
  Mutations all;
  all.writes = writes;
  all.writes = merge({all}).writes;
  return describe(all);
}

TEST(Merge, KeepsTheLastOfEachKeyAndField) {
  Mutations a, b;
  a.set("s1", "x");
  a.hset("x5", "f", "1");
  b.set("s1", "y");
  b.hdel("x5", "f");
  b.hset("x5", "g", "2");
  Mutations all;
  all.writes = merge({a, b}).writes;
  EXPECT_EQ(describe(all), describe([] {
              Mutations want;
              want.set("s1", "y");
              want.hdel("x5", "f");
              want.hset("x5", "g", "2");
              return want;
            }()));
}

TEST(Merge, SumsOfZeroStayBecauseTheyCreateTheValue) {
  EXPECT_EQ(merged({{WriteOp::kIncrBy, "usedSpace", {}, {}, 4096},
                    {WriteOp::kIncrBy, "usedSpace", {}, {}, -4096}}),
            (Lines{"INCRBY usedSpace 0"}));
}

TEST(Merge, SumsThatOverflowAreSentApart) {
  EXPECT_EQ(merged({{WriteOp::kIncrBy, "n", {}, {}, INT64_MAX},
                    {WriteOp::kIncrBy, "n", {}, {}, 1}})
                .size(),
            2u);
}

TEST(Merge, DelForgetsWhatCameBeforeAndSetNeedsNone) {
  EXPECT_EQ(merged({{WriteOp::kSet, "s1", {}, "x", 0}, {WriteOp::kDel, "s1", {}, {}, 0}}),
            (Lines{"DEL s1"}));
  EXPECT_EQ(merged({{WriteOp::kDel, "s1", {}, {}, 0}, {WriteOp::kSet, "s1", {}, "x", 0}}).size(),
            1u);
}

TEST(Merge, ReleasesFollowTheirDecrement) {
  Mutations a, b;
  a.set("s1", "x");
  a.releases.push_back({a.writes.size(), 7, 8});
  a.hincr_by("sliceRef", "k7_8", -1);
  b.set("s2", "x");
  b.releases.push_back({b.writes.size(), 7, 8});
  b.hincr_by("sliceRef", "k7_8", -1);
  const MergedWrites both = merge({a, b});
  ASSERT_EQ(both.releases.size(), 1u);
  const Write& write = both.writes.at(both.releases[0].write);
  EXPECT_EQ(describe(write), "HINCRBY sliceRef k7_8 -2");
}

struct Sums {
  std::map<Ino, std::vector<int64_t>> stats;
  int64_t space = 0, inodes = 0;
  void add(const std::vector<DirStatDelta>& deltas) {
    for (const DirStatDelta& d : deltas) {
      auto& sum = stats.try_emplace(d.dir, 3).first->second;
      sum[0] += d.length;
      sum[1] += d.space;
      sum[2] += d.inodes;
    }
    std::erase_if(stats, [](auto& s) { return s.second == std::vector<int64_t>(3); });
  }
};

void expect_same(const std::vector<Mutations>& batch, MemoryStore in_order) {
  MemoryStore at_once = in_order;
  const MergedWrites merged = merge(batch);
  Sums want, got;
  std::set<uint64_t> released, looked_at;
  for (const Mutations& one : batch) {
    in_order.apply(one);
    want.space += one.used_space;
    want.inodes += one.used_inodes;
    for (const SliceRelease& release : one.releases) looked_at.insert(release.id);
  }
  std::vector<DirStatDelta> deltas;
  for (const Mutations& one : batch)
    deltas.insert(deltas.end(), one.dir_stats.begin(), one.dir_stats.end());
  want.add(deltas);
  std::vector<int64_t> replies;
  for (const Write& write : merged.writes) replies.push_back(at_once.apply(write));
  got.add(merged.dir_stats);
  EXPECT_EQ(got.stats, want.stats);
  EXPECT_EQ(merged.used_space, want.space);
  EXPECT_EQ(merged.used_inodes, want.inodes);
  EXPECT_TRUE(in_order == at_once);
  // What nobody refers to at the end is released, and nothing else.
  for (const SliceRelease& release : merged.releases) {
    const Write& write = merged.writes.at(release.write);
    EXPECT_EQ(write.op, WriteOp::kHIncrBy);
    EXPECT_EQ(write.field, std::to_string(release.id));
    if (replies.at(release.write) >= 0) continue;
    EXPECT_TRUE(released.insert(release.id).second) << "twice: " << release.id;
  }
  for (uint64_t id : looked_at) {
    const std::string count = in_order.field("href", std::to_string(id)).value_or("0");
    EXPECT_EQ(released.contains(id), count.starts_with('-')) << id << " " << count;
  }
}

TEST(Merge, LeavesTheSameStateAsAllWritesInOrder) {
  Dice dice(random_seed());
  for (int round = 0; round < 20000 && !::testing::Test::HasFailure(); ++round) {
    std::vector<Mutations> batch(1 + dice.below(5));
    for (Mutations& one : batch) one = random_mutations(dice, dice.one_in(2) ? 4 : 15);
    expect_same(batch, random_store(dice));
    if (!::testing::Test::HasFailure()) continue;
    std::string lines;
    for (const Mutations& one : batch)
      for (const Write& w : one.writes)
        lines += std::to_string(static_cast<int>(w.op)) + " " + w.key + " " + w.field + " " +
                 w.value + " " + std::to_string(w.delta) + "\n";
    ADD_FAILURE() << "round " << round << "\n" << lines;
  }
}

// On one key, from every state that one write can make.
TEST(Merge, EveryShortSequenceLeavesTheSameState) {
  const std::vector<Write> hash = {{WriteOp::kHSet, "h", "f", "5", 0},
                                   {WriteOp::kHSetNx, "h", "f", "6", 0},
                                   {WriteOp::kHDel, "h", "f", {}, 0},
                                   {WriteOp::kHIncrBy, "h", "f", {}, 2},
                                   {WriteOp::kHSet, "h", "g", "7", 0},
                                   {WriteOp::kDel, "h", {}, {}, 0}};
  const std::vector<Write> list = {{WriteOp::kRPush, "l", {}, "a", 0},
                                   {WriteOp::kRPushX, "l", {}, "b", 0},
                                   {WriteOp::kLPush, "l", {}, "c", 0},
                                   {WriteOp::kLTrim, "l", {}, {}, 1},
                                   {WriteOp::kDel, "l", {}, {}, 0}};
  const std::vector<Write> string = {{WriteOp::kSet, "s", {}, "5", 0},
                                     {WriteOp::kIncrBy, "s", {}, {}, 3},
                                     {WriteOp::kIncrBy, "s", {}, {}, -3},
                                     {WriteOp::kDel, "s", {}, {}, 0}};
  for (const auto& alphabet : {hash, list, string}) {
    const size_t n = alphabet.size();
    for (size_t code = 0; code < n * n * n * n; ++code) {
      std::vector<Mutations> batch(1);
      for (size_t rest = code, i = 0; i < 4; ++i, rest /= n)
        batch[0].writes.push_back(alphabet[rest % n]);
      for (const Write& first : alphabet) {
        MemoryStore store;
        store.apply(first);
        expect_same(batch, store);
      }
      ASSERT_FALSE(::testing::Test::HasFailure()) << code;
    }
  }
}

}  // namespace
}  // namespace fastmeta::test
