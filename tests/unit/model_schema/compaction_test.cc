// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <random>

#include "chunk_model.h"
#include "model/overlay.h"

namespace fastmeta::model {
namespace {

using Records = std::vector<SliceRecord>;
constexpr uint32_t kMiB = 1 << 20;

// The list after the compaction that the plan describes, with `id` as the new slice.
Records compacted(const Records& records, const CompactionPlan& plan, uint64_t id) {
  Records list(records.begin(), records.begin() + plan.skipped);
  list.push_back({plan.pos, id, plan.size, 0, plan.size});
  list.insert(list.end(), records.begin() + plan.records, records.end());
  return list;
}

TEST(Compaction, NeedsTwoRecords) {
  EXPECT_FALSE(plan_compaction({}));
  EXPECT_FALSE(plan_compaction(Records{{0, 1, 10, 0, 10}}));
  EXPECT_TRUE(plan_compaction(Records{{0, 1, 10, 0, 10}, {10, 2, 10, 0, 10}}));
}

TEST(Compaction, StoresNoZerosAtTheEnds) {
  const Records records = {{100, 1, 10, 0, 10}, {120, 2, 10, 0, 10}, {125, 0, 0, 0, 50}};
  auto plan = plan_compaction(records);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->records, 3u);
  EXPECT_EQ(plan->skipped, 0u);
  EXPECT_EQ(plan->pos, 100u);
  EXPECT_EQ(plan->size, 25u);
  EXPECT_EQ(plan->pieces,
            (Records{{100, 1, 10, 0, 10}, {110, 0, 0, 0, 10}, {120, 2, 10, 0, 5}}));
}

TEST(Compaction, StoresOneByteForNothingButZeros) {
  auto plan = plan_compaction(Records{{50, 0, 0, 0, 10}, {0, 0, 0, 0, 20}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->size, 1u);
  ASSERT_EQ(plan->pieces.size(), 1u);
  EXPECT_EQ(plan->pieces[0].id, 0u);
  EXPECT_EQ(plan->pieces[0].len, 1u);
  EXPECT_EQ(plan->pieces[0].pos, plan->pos);
}

TEST(Compaction, LeavesLargeRecordsAtTheFrontAlone) {
  const Records records = {{0, 1, 8 * kMiB, 0, 8 * kMiB},
                           {8 * kMiB, 2, kMiB, 0, kMiB},
                           {9 * kMiB, 3, 100, 0, 100},
                           {9 * kMiB + 100, 4, 100, 0, 100}};
  auto plan = plan_compaction(records);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->skipped, 2u);
  EXPECT_EQ(plan->records, 4u);
  EXPECT_EQ(plan->pos, 9 * kMiB);
  EXPECT_EQ(plan->size, 200u);
}

TEST(Compaction, DoesNotLeaveWhatIsSmallCoveredNotFirstOrThereTwice) {
  const SliceRecord large = {0, 1, 2 * kMiB, 0, 2 * kMiB};
  const SliceRecord small = {4 * kMiB, 2, 10, 0, 10};
  const auto skipped = [](const Records& records) { return plan_compaction(records)->skipped; };
  EXPECT_EQ(skipped({large, small, {5 * kMiB, 3, 1, 0, 1}}), 1u);
  EXPECT_EQ(skipped({{0, 1, kMiB - 1, 0, kMiB - 1}, small, small}), 0u) << "small";
  EXPECT_EQ(skipped({large, {20 * kMiB, 2, 10, 0, 10}, small}), 0u) << "less than a fifth";
  EXPECT_EQ(skipped({large, {kMiB, 2, 10, 0, 10}, small}), 0u) << "covered in part";
  EXPECT_EQ(skipped({{4 * kMiB, 1, 2 * kMiB, 0, 2 * kMiB}, {0, 2, 10, 0, 10}, small}), 0u)
      << "not first";
  EXPECT_EQ(skipped({large, small, large}), 0u) << "there twice";
  EXPECT_FALSE(plan_compaction(Records{large, small})) << "one record is left";
}

TEST(Compaction, LooksAtAThousandRecords) {
  Records records;
  for (uint32_t i = 0; i < 1500; ++i) records.push_back({i * 10, i + 1, 10, 0, 10});
  auto plan = plan_compaction(records);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->records, 1000u);
  EXPECT_EQ(plan->size, 10'000u);
}

TEST(Compaction, ChangesNoVisibleByte) {
  constexpr uint32_t kUnit = 256 << 10;  // so that large records occur
  constexpr uint32_t kSpace = kChunkBytes / kUnit;
  std::mt19937 random(6);
  int plans = 0;
  int with_skipped = 0;
  for (int round = 0; round < 5000; ++round) {
    Records records;
    // Large ones at the front, where they are left alone.
    for (uint32_t at = 0, n = random() % 4; n > 0; --n) {
      const uint32_t len = 4 + random() % 20;
      records.push_back({at * kUnit, 1000 + n, len * kUnit, 0, len * kUnit});
      at += len + random() % 3;
    }
    const Records more = random_records(random, random() % 10, kSpace / 2, kUnit);
    const uint32_t shift = random() % 2 ? kSpace / 2 * kUnit : 0;
    for (SliceRecord record : more) {
      record.pos += shift;
      records.push_back(record);
    }
    const auto plan = plan_compaction(records);
    if (!plan) continue;
    ++plans;
    with_skipped += plan->skipped > 0;
    ASSERT_GE(plan->records - plan->skipped, 2u);
    ASSERT_GT(plan->size, 0u);

    // What is stored under the new id is what its pieces show.
    const uint64_t id = 5000;
    const Records after = compacted(records, *plan, id);
    uint32_t at = plan->pos;
    for (const SliceRecord& piece : plan->pieces) {
      ASSERT_EQ(piece.pos, at);
      at += piece.len;
    }
    ASSERT_EQ(at, plan->pos + plan->size);
    const auto stored = visible(plan->pieces, kSpace, kUnit);
    const auto before = visible(records, kSpace, kUnit);
    auto now = visible(after, kSpace, kUnit);
    for (uint32_t i = 0; i < kSpace; ++i)
      if (i * kUnit >= plan->pos && now[i] == cell_of(id, i - plan->pos / kUnit))
        now[i] = stored[i];
    ASSERT_EQ(now, before) << "round " << round;
  }
  EXPECT_GT(plans, 1000);
  EXPECT_GT(with_skipped, 100);
}

}  // namespace
}  // namespace fastmeta::model
