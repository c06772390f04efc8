// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(CopyRules, PiecesAndHolesAreReferredToOnceMore) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  const Ino b = w.file(kRootIno, "b");
  ok(w.write(a, 0, {0, 7, 100, 0, 100}));
  ok(w.write(a, 0, {200, 8, 100, 0, 100}));
  auto copied = w.copy(a, 50, b, kChunkBytes - 20, 1000);
  EXPECT_EQ(copied->copied, 250u);
  EXPECT_EQ(w.writes(),
            (Lines{"RPUSH c3_0 pos=67108844 id=7 size=100 off=50 len=20",
                   "HINCRBY sliceRef k7_100 1",
                   "RPUSH c3_1 pos=0 id=7 size=100 off=70 len=30", "HINCRBY sliceRef k7_100 1",
                   "RPUSH c3_1 pos=30 id=0 size=0 off=0 len=100",
                   "RPUSH c3_1 pos=130 id=8 size=100 off=0 len=100",
                   "HINCRBY sliceRef k8_100 1",
                   "SET i3 file 0644 0:0 nlink=1 len=67109094 parent=1 a=1800000001 m=1800000004 "
                   "c=1800000004",
                   "INCRBY usedSpace 67108864"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "i3", "c2_0"}));
  EXPECT_EQ(w.rounds, 1);
}

TEST(CopyRules, GivenPiecesAreCopiedWhileTheSourceRefersToThem) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  const Ino b = w.file(kRootIno, "b");
  ok(w.write(a, 0, {0, 7, 100, 0, 100}));
  ok(w.write(a, 0, {0, 8, 100, 0, 60}));
  const std::vector<SliceRecord> seen = {{0, 7, 100, 0, 100}};
  CopyRangeArgs want;
  want.now = {9, 0};
  want.from = a;
  want.to = b;
  want.len = 100;
  const auto copy = [&] {
    return w.run([&](const View& view, Mutations& out) {
      return model::copy_file_range(view, want, out, &seen);
    });
  };
  EXPECT_EQ(copy()->pieces, seen);  // though a later write covers a part of it
  // As after a merge by another client.
  Mutations merged;
  merged.del(w.keys.chunk(a, 0));
  w.store.apply(merged);
  ok(w.write(a, 0, {0, 9, 100, 0, 100}));
  EXPECT_EQ(copy()->pieces, (std::vector<SliceRecord>{{0, 9, 100, 0, 100}}));
}

TEST(CopyRules, HoleAtTheEndOfAChunkIsCopiedAsZeros) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  const Ino b = w.file(kRootIno, "b");
  ok(w.write(a, 1, {0, 7, 10, 0, 10}));
  ok(w.copy(a, kChunkBytes - 100, b, 0, 110));
  EXPECT_EQ(w.writes().at(0), "RPUSH c3_0 pos=0 id=0 size=0 off=0 len=100");
  EXPECT_EQ(w.writes().at(1), "RPUSH c3_0 pos=100 id=7 size=10 off=0 len=10");
}

TEST(CopyRules, Errors) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  const Ino b = w.file(kRootIno, "b");
  ok(w.write(a, 0, {0, 7, 100, 0, 100}));
  EXPECT_EQ(code_of(w.copy(a, 0, a, 50, 100)), EINVAL);
  EXPECT_EQ(code_of(w.copy(a, 50, a, 0, 51)), EINVAL);
  EXPECT_EQ(code_of(w.copy(a, 50, a, 0, 50)), 0);
  EXPECT_EQ(code_of(w.copy(a, 0, b, kFileLengthLimit - 10, 10)), EFBIG);
  EXPECT_EQ(code_of(w.copy(a, 0, b, 0, UINT64_MAX)), EFBIG);
  EXPECT_EQ(code_of(w.copy(99, 0, b, 0, 10)), ENOENT);
  EXPECT_EQ(code_of(w.copy(a, 0, 99, 0, 10)), ENOENT);
  EXPECT_EQ(code_of(w.copy(kRootIno, 0, b, 0, 10)), EINVAL);
  EXPECT_EQ(code_of(w.copy(a, 0, kRootIno, 0, 10)), EINVAL);
  auto past = w.copy(a, 100, b, 0, 10);
  EXPECT_EQ(past->copied, 0u);
  EXPECT_TRUE(w.out.empty());
  w.facts.capacity = static_cast<uint64_t>(w.facts.used_space);
  EXPECT_EQ(code_of(w.copy(a, 0, b, 5000, 10)), ENOSPC);
  w.facts.capacity = 0;
  w.change(b, [](Attr& x) { x.flags = kAppendOnly; });
  EXPECT_EQ(code_of(w.copy(a, 0, b, 0, 10)), EPERM);
  auto flags = w.run([&](const View& seen, Mutations& to) {
    return copy_file_range(seen, {kRoot, w.now, a, 0, b, 0, 10, 1}, to);
  });
  EXPECT_EQ(code_of(flags), EINVAL);
}

TEST(CopyRules, LongCopyIsAnsweredShort) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  const Ino b = w.file(kRootIno, "b");
  ok(w.truncate(a, 1000 * kChunkBytes));
  EXPECT_EQ(w.copy(a, 5, b, 0, 500 * kChunkBytes)->copied, 64 * kChunkBytes);
  EXPECT_LT(w.out.writes.size(), 200u);
}

class CompactRules : public ::testing::Test {
 protected:
  CompactArgs proposal(bool trash) {
    CompactArgs want;
    want.now = w.now;
    want.ino = ino;
    want.expected = w.records(ino, 0);
    auto plan = plan_compaction(want.expected);
    EXPECT_TRUE(plan);
    want.plan = *plan;
    want.id = 50;
    want.trash = trash;
    return want;
  }
  Result<void> commit(const CompactArgs& want) {
    return w.run([&](const View& seen, Mutations& to) { return compact(seen, want, to); });
  }
  World w;
  const Ino ino = w.file(kRootIno, "f");
};

TEST_F(CompactRules, ReplacesRecordsAndReleasesSlices) {
  ok(w.write(ino, 0, {0, 7, 4 * kMiB, 0, 4 * kMiB}));
  ok(w.write(ino, 0, {8 * kMiB, 8, 100, 0, 100}));
  ok(w.write(ino, 0, {8 * kMiB + 100, 9, 50, 0, 50}));
  ok(w.fallocate(ino, kFallocPunchHole | kFallocKeepSize, 8 * kMiB + 120, 5));
  const CompactArgs want = proposal(false);
  ASSERT_EQ(want.plan.skipped, 1u);
  ok(w.write(ino, 0, {0, 10, 3, 0, 3}));  // came in between: appended, stays
  ok(commit(want));
  EXPECT_EQ(w.writes(),
            (Lines{"LTRIM c2_0 4 -1", "LPUSH c2_0 pos=8388608 id=50 size=150 off=0 len=150",
                   "LPUSH c2_0 pos=0 id=7 size=4194304 off=0 len=4194304",
                   "HSET sliceRef k50_150 0", "HINCRBY sliceRef k8_100 -1",
                   "HINCRBY sliceRef k9_50 -1"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"c2_0"}));
  EXPECT_EQ(w.deleted_slices,
            (std::set<std::pair<uint64_t, uint32_t>>{{8, 100}, {9, 50}}));
  EXPECT_EQ(w.records(ino, 0).size(), 3u);
  EXPECT_EQ(w.records(ino, 0).back().id, 10u);
}

TEST_F(CompactRules, SkippedRecordsKeepTheirOrder) {
  ok(w.write(ino, 0, {0, 7, 4 * kMiB, 0, 4 * kMiB}));
  ok(w.write(ino, 0, {4 * kMiB - 10, 8, 4 * kMiB, 0, 4 * kMiB}));
  ok(w.write(ino, 0, {20 * kMiB, 9, 10, 0, 10}));
  ok(w.write(ino, 0, {20 * kMiB + 10, 10, 10, 0, 10}));
  CompactArgs want = proposal(false);
  want.plan = {.records = 4, .skipped = 2, .pos = 20 * kMiB, .size = 20, .pieces = {}};
  ok(commit(want));
  EXPECT_EQ(w.records(ino, 0),
            (std::vector<SliceRecord>{want.expected[0], want.expected[1],
                                      {20 * kMiB, 50, 20, 0, 20}}));
}

TEST_F(CompactRules, TrashDelaysTheRelease) {
  ok(w.write(ino, 0, {0, 8, 10, 0, 10}));
  ok(w.write(ino, 0, {10, 9, 20, 0, 20}));
  ok(commit(proposal(true)));
  EXPECT_EQ(w.writes().back(),
            "HSET delSlices 50_1800000003 00000000000000080000000a"
            "000000000000000900000014");
  EXPECT_TRUE(w.out.releases.empty());
}

TEST_F(CompactRules, ChangedListIsLeftAlone) {
  ok(w.write(ino, 0, {0, 8, 10, 0, 10}));
  ok(w.write(ino, 0, {10, 9, 20, 0, 20}));
  CompactArgs want = proposal(false);
  want.expected[1].off = 1;
  EXPECT_EQ(code_of(commit(want)), EAGAIN);
  const CompactArgs good = proposal(false);
  ok(commit(good));
  EXPECT_EQ(code_of(commit(good)), EAGAIN);  // another compaction was first
  want = good;
  want.expected.clear();
  EXPECT_EQ(code_of(commit(want)), EINVAL);
  want = good;
  want.id = 0;
  EXPECT_EQ(code_of(commit(want)), EINVAL);
}

// The standard client loses data here: the records of the copy must hold the
// slice when compaction releases those of the original.
TEST_F(CompactRules, SliceCopiedWithinItsFileSurvivesCompaction) {
  ok(w.write(ino, 0, {0, 7, 100, 0, 100}));
  ok(w.copy(ino, 0, ino, kChunkBytes, 100));
  ok(w.write(ino, 0, {0, 8, 10, 0, 10}));
  EXPECT_EQ(w.store.field("sliceRef", "k7_100"), "1");
  ok(commit(proposal(false)));
  EXPECT_EQ(w.store.field("sliceRef", "k7_100"), "0");
  EXPECT_EQ(w.deleted_slices, (std::set<std::pair<uint64_t, uint32_t>>{{8, 10}}));
  ok(w.unlink(kRoot, kRootIno, "f"));
  w.purge();
  EXPECT_TRUE(w.deleted_slices.contains({7, 100}));
  EXPECT_TRUE(w.deleted_slices.contains({50, 100}));
}

TEST_F(CompactRules, CopyIntoTheSameChunkCountsEachRecord) {
  ok(w.write(ino, 0, {0, 7, 100, 0, 100}));
  ok(w.copy(ino, 0, ino, 100, 100));
  ok(w.copy(ino, 0, ino, 200, 50));
  EXPECT_EQ(w.store.field("sliceRef", "k7_100"), "2");
  ok(commit(proposal(false)));
  EXPECT_EQ(w.deleted_slices, (std::set<std::pair<uint64_t, uint32_t>>{{7, 100}}));
}

TEST_F(CompactRules, DeleteChunkReleasesEachRecordOnce) {
  ok(w.write(ino, 0, {0, 7, 100, 0, 100}));
  ok(w.truncate(ino, 50));
  ok(w.copy(ino, 0, ino, 50, 50));
  auto drop = [&](uint32_t chunk) {
    return w.run(
        [&](const View& seen, Mutations& to) { return delete_chunk(seen, ino, chunk, to); });
  };
  ok(drop(1));
  EXPECT_TRUE(w.out.empty());
  ok(drop(0));
  EXPECT_EQ(w.writes(), (Lines{"DEL c2_0", "HINCRBY sliceRef k7_100 -1",
                               "HINCRBY sliceRef k7_100 -1"}));
  EXPECT_EQ(w.deleted_slices.size(), 1u);
}

}  // namespace
}  // namespace fastmeta::test
