// SPDX-License-Identifier: GPL-3.0-or-later
// The pieces of the data path that need no engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "data/block_cache.h"
#include "data/buffer_pool.h"
#include "data/chunk_queue.h"
#include "data/open_slice.h"
#include "data/pieces.h"
#include "data/read_ahead.h"
#include "data/refusals.h"
#include "data/slice_store.h"
#include "data/unsynced_blocks.h"
#include "data/worker_pool.h"
#include "rig.h"

namespace fastmeta::host::test {
namespace {

constexpr OpenSlice::Origin kOrigin{{100, 7}, {}};

class Slices : public testing::Test {
 protected:
  std::shared_ptr<OpenSlice> slice(uint32_t pos) {
    ++id_;
    return std::make_shared<OpenSlice>(&pool_, kBlock, id_, 0, pos, id_);
  }
  static void put(OpenSlice& slice, uint32_t pos, const std::string& bytes) {
    ASSERT_TRUE(slice.put(pos, bytes.data(), static_cast<uint32_t>(bytes.size()), kOrigin));
  }
  BufferPool pool_{kBlock, 1u << 20};
  uint64_t id_ = 0;
};

TEST_F(Slices, GrowAtTheirEndAndMayBeWrittenOver) {
  const auto one = slice(1000);
  put(*one, 1000, "hello");
  EXPECT_TRUE(one->accepts(1005, 1));
  EXPECT_TRUE(one->accepts(1002, 100));
  EXPECT_FALSE(one->accepts(1006, 1)) << "a gap";
  EXPECT_FALSE(one->accepts(999, 3)) << "before its begin";
  put(*one, 1003, "p me");
  char out[7];
  one->copy_out(1000, 7, out);
  EXPECT_EQ(std::string(out, 7), "help me");
  EXPECT_EQ(one->len(), 7u);
}

TEST_F(Slices, BlocksThatWereHandedOutAreClosed) {
  const auto one = slice(0);
  put(*one, 0, pattern(kBlock + 10, 1));
  std::vector<UploadBlock> parts;
  one->take_full(&parts);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].bytes, kBlock);
  EXPECT_FALSE(one->accepts(kBlock - 1, 1));
  EXPECT_TRUE(one->accepts(kBlock, 1));
  EXPECT_TRUE(one->holds(0, kBlock + 10)) << "still in memory while it is uploaded";
  one->uploaded(0, 0);
  EXPECT_FALSE(one->holds(kBlock - 1, 2));
  EXPECT_TRUE(one->holds(kBlock, 10));
  EXPECT_FALSE(one->settled());
  parts.clear();
  one->finish(&parts);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].bytes, 10u);
  EXPECT_FALSE(one->settled());
  one->uploaded(1, 0);
  EXPECT_TRUE(one->settled());
}

TEST_F(Slices, SettledAtOnceWhenItEndsWithAFullBlock) {
  const auto one = slice(0);
  put(*one, 0, pattern(kBlock, 1));
  std::vector<UploadBlock> parts;
  one->take_full(&parts);
  one->uploaded(0, 0);
  EXPECT_FALSE(one->settled());
  parts.clear();
  one->finish(&parts);
  EXPECT_TRUE(parts.empty());
  EXPECT_TRUE(one->settled());
}

TEST_F(Slices, AFailedUploadEndsTheSlice) {
  const auto one = slice(0);
  put(*one, 0, pattern(kBlock * 2, 1));
  std::vector<UploadBlock> parts;
  one->take_full(&parts);
  one->uploaded(0, -ENOSPC);
  EXPECT_FALSE(one->settled()) << "the other block is on its way";
  EXPECT_FALSE(one->accepts(kBlock * 2, 1));
  one->uploaded(1, 0);
  EXPECT_TRUE(one->settled());
  EXPECT_EQ(one->error(), -ENOSPC);
}

TEST_F(Slices, AWriteNeverGoesBelowALaterSlice) {
  ChunkQueue queue;
  queue.push(slice(0));
  put(*queue.head(), 0, "aaaaaaaaaa");
  const auto later = slice(20);
  put(*later, 20, "bbbbb");
  queue.push(later);
  EXPECT_EQ(queue.target(10, 5), queue.head()) << "beside the later one";
  EXPECT_EQ(queue.target(25, 5), later);
  EXPECT_EQ(queue.target(10, 15), nullptr) << "would lie below the later one";
  EXPECT_EQ(queue.target(100, 5), nullptr);

  const OpenSlice* holder = nullptr;
  EXPECT_EQ(queue.cover(0, 10, &holder), ChunkQueue::Cover::kHeld);
  EXPECT_EQ(queue.cover(21, 3, &holder), ChunkQueue::Cover::kHeld);
  EXPECT_EQ(holder, later.get());
  EXPECT_EQ(queue.cover(10, 10, &holder), ChunkQueue::Cover::kNone);
  EXPECT_EQ(queue.cover(5, 10, &holder), ChunkQueue::Cover::kMixed);
}

TEST(BufferPools, HandOutWhatWasGivenBack) {
  BufferPool pool(kBlock, kBlock);
  char* first = nullptr;
  {
    Buffer buffer = pool.get(kBlock);
    first = buffer.data();
    EXPECT_EQ(pool.used_bytes(), kBlock);
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
  EXPECT_EQ(pool.get(kBlock - 1).data(), first);
  EXPECT_LT(pool.get(10).capacity(), kBlock) << "a small file takes little";
  EXPECT_FALSE(pool.get(kBlock + 1));
}

TEST(BufferPools, WaitersGoOnWhenThereIsRoomOrWhenTheyGiveUp) {
  BufferPool pool(kBlock, kBlock);
  const auto never = [] { return false; };
  Buffer buffer = pool.get(kBlock);
  EXPECT_TRUE(pool.wait_below(kBlock + 1, never, [] {}));
  EXPECT_FALSE(pool.wait_below(kBlock, [] { return true; }, [] {}));
  std::atomic<bool> waiting{false};
  std::thread other([&] {
    while (!waiting) std::this_thread::yield();
    buffer = Buffer();
  });
  EXPECT_TRUE(pool.wait_below(kBlock, never, [&] { waiting = true; }));
  other.join();
}

TEST(BlockCaches, KeepWhatWasUsedLastWithinTheirBound) {
  BufferPool pool(kBlock, 0);
  BlockCache cache(kBlock * 3, kBlock);
  const auto fill = [&](CachedBlock* block) {
    block->buffer = pool.get(kBlock);
    return 0;
  };
  BlockRef out;
  for (uint32_t i = 0; i < 3; ++i) ASSERT_EQ(cache.load({1, i}, fill, &out), 0);
  EXPECT_TRUE(cache.find({1, 0}));
  ASSERT_EQ(cache.load({1, 3}, fill, &out), 0);
  EXPECT_TRUE(cache.find({1, 0}));
  EXPECT_FALSE(cache.find({1, 1})) << "used least";
  EXPECT_EQ(cache.bytes(), kBlock * 3);
  cache.erase({1, 0});
  EXPECT_FALSE(cache.find({1, 0}));
  EXPECT_EQ(cache.bytes(), kBlock * 2);
}

TEST(BlockCaches, OneThreadLoadsAndTheOthersWaitForIt) {
  BufferPool pool(kBlock, 0);
  BlockCache cache(kBlock * 8, kBlock);
  std::atomic<int> loads{0};
  const auto slow = [&](CachedBlock* block) {
    ++loads;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    block->buffer = pool.get(kBlock);
    block->size = 42;
    return 0;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      BlockRef out;
      EXPECT_EQ(cache.load({7, 0}, slow, &out), 0);
      EXPECT_EQ(out->size, 42u);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
}

TEST(BlockCaches, DoNotRememberAFailure) {
  BlockCache cache(kBlock * 8, kBlock);
  BlockRef out;
  EXPECT_EQ(cache.load({7, 0}, [](CachedBlock*) { return -EIO; }, &out), -EIO);
  EXPECT_EQ(cache.load({7, 0}, [](CachedBlock*) { return 0; }, &out), 0);
}

TEST(WorkerPools, RunJobsInTheCallerWhenTheyHaveNoThreads) {
  WorkerPool pool;
  std::thread::id where;
  pool.submit([&] { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_FALSE(pool.try_submit([] {}, 10));
  std::atomic<int> done{0};
  pool.start(2);
  for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
  pool.stop();
  EXPECT_EQ(done, 100) << "stop runs what is queued";
}

TEST(Refusing, IsWaitedForOnceInEachOutage) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Refusals refusals;
  const auto start = Refusals::Clock::now();
  const auto refused = [&](milliseconds at) {
    return refusals.wait_again(seconds(10), start + at);
  };
  EXPECT_TRUE(refused(seconds(0)));
  EXPECT_TRUE(refused(seconds(9)));
  EXPECT_FALSE(refused(seconds(11)));
  EXPECT_FALSE(refused(seconds(20))) << "still the same";
  EXPECT_TRUE(refused(seconds(3600))) << "nothing was written when the first was over";
  EXPECT_FALSE(refused(seconds(3610)));
  refusals.over();
  EXPECT_TRUE(refused(seconds(3611)));
}

TEST(Refusing, AShortPatienceEnds) {
  using std::chrono::milliseconds;
  Refusals refusals;
  const auto start = Refusals::Clock::now();
  EXPECT_TRUE(refusals.wait_again(milliseconds(50), start));
  EXPECT_FALSE(refusals.wait_again(milliseconds(50), start + milliseconds(100)));
}

TEST(Unsynced, WhatIsDoneIsWhatWasTaken) {
  UnsyncedBlocks table;
  table.add(2, {1, 0, 10});
  table.add(3, {2, 0, 10});
  const auto first = table.of(2), second = table.of(2);
  EXPECT_EQ(first.blocks.size(), 1u);
  EXPECT_EQ(second.blocks.size(), 1u) << "who comes meanwhile waits for it too";
  table.add(2, {3, 0, 10});
  table.done(2, first);
  ASSERT_EQ(table.of(2).blocks.size(), 1u);
  EXPECT_EQ(table.of(2).blocks[0].id, 3u);
  EXPECT_EQ(table.of(3).blocks.size(), 1u);
  table.copy(2, 3);
  EXPECT_EQ(table.of(3).blocks.size(), 2u);
}

TEST(Unsynced, ManyBlocksOfAFileAreNotSyncedSingly) {
  UnsyncedBlocks table;
  for (uint64_t i = 0; i <= UnsyncedBlocks::kSinglyMax; ++i) table.add(2, {i, 0, 10});
  EXPECT_FALSE(table.of(3).all);
  const auto work = table.of(2);
  EXPECT_TRUE(work.all);
  table.done(2, work);
  EXPECT_FALSE(table.of(2).all);
}

TEST(Unsynced, WhenThereIsTooMuchAllIsSyncedOnce) {
  UnsyncedBlocks table;
  for (uint64_t i = 0; i <= UnsyncedBlocks::kBlocksMax; ++i) table.add(2 + i % 7, {i, 0, 10});
  const auto work = table.of(99);
  EXPECT_TRUE(work.all);
  for (uint64_t i = 0; i < UnsyncedBlocks::kBlocksMax; ++i) table.add(2, {i, 0, 10});
  table.done(99, work);
  EXPECT_TRUE(table.of(99).all) << "some was forgotten after it was taken";
  table.done(99, table.of(99));
  EXPECT_FALSE(table.of(99).all);
}

TEST(ReadAheads, FollowsASequentialReaderWithinItsBound) {
  ReadAhead ahead(1u << 20);
  const uint64_t length = 64u << 20, step = 128u << 10;
  uint64_t begun = 0;
  for (uint64_t off = 0; off < length; off += step) {
    const auto range = ahead.observe(off, step, length);
    if (range.len == 0) continue;
    if (begun != 0) {
      EXPECT_EQ(range.off, std::max(begun, off + step)) << "no gap, nothing twice";
    }
    begun = range.off + range.len;
    EXPECT_LE(begun, off + step + (1u << 20));
  }
  EXPECT_EQ(begun, length);
}

TEST(ReadAheads, LeavesARandomReaderAlone) {
  ReadAhead ahead(8u << 20);
  for (uint64_t i = 0; i < 100; ++i) {
    const uint64_t off = (i * 7919 % 1000) * (64u << 20);
    EXPECT_EQ(ahead.observe(off, 4096, uint64_t{1} << 40).len, 0u);
  }
}

TEST(ReadAheads, FollowsSeveralReadersAtOnce) {
  ReadAhead ahead(1u << 20);
  int found = 0;
  for (uint64_t off = 0; off < (4u << 20); off += 128u << 10) {
    for (uint64_t reader = 0; reader < 3; ++reader) {
      const uint64_t base = reader << 30;
      found += ahead.observe(base + off, 128u << 10, uint64_t{4} << 30).len > 0;
    }
  }
  EXPECT_GE(found, 3 * 4);
}

TEST(Pieces, VisitEachBlockThatHoldsSomeOfTheRange) {
  // Slice 5: three blocks, of which bytes from 1000 on lie at 500 of the chunk.
  const std::vector<mdp_slice> pieces = {{0, 0, 0, 0, 500}, {5, 500, kBlock * 3, 1000, kBlock * 2}};
  std::vector<uint32_t> blocks;
  const auto note = [&](const mdp_slice&, uint32_t block) { blocks.push_back(block); };
  visit_blocks(pieces, 0, 501, kBlock, note);
  EXPECT_EQ(blocks, (std::vector<uint32_t>{0}));
  blocks.clear();
  visit_blocks(pieces, 500 + kBlock - 1000, 1, kBlock, note);
  EXPECT_EQ(blocks, (std::vector<uint32_t>{1}));
  blocks.clear();
  visit_blocks(pieces, 0, 1u << 26, kBlock, note);
  EXPECT_EQ(blocks, (std::vector<uint32_t>{0, 1, 2}));
}

// A plugin should say that a gap is zeros; one that only leaves it out is
// understood too.
TEST(Pieces, WhatNoPieceCoversIsZeros) {
  Rig rig;
  VolumeFormat format;
  format.block_bytes = kBlock;
  SliceStore slices(format, Compression::kNone, 0, std::make_unique<FileStore>(rig.path_of("")),
                    [](int, const std::string&) {});
  ASSERT_EQ(slices.put_block(9, 0, "abcdef", 6), 0);
  const std::vector<mdp_slice> pieces = {{9, 4, 6, 1, 2}, {9, 10, 6, 0, 3}};
  std::string out(16, '?'), missing;
  ASSERT_EQ(read_pieces(slices, pieces, 2, 16, out.data(), &missing), 0);
  EXPECT_EQ(out, std::string("\0\0bc\0\0\0\0abc\0\0\0\0\0", 16));
}

}  // namespace
}  // namespace fastmeta::host::test
