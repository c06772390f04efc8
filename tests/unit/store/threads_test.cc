// SPDX-License-Identifier: GPL-3.0-or-later
// Many threads at once, and work on whole tables between them.
#include <atomic>
#include <chrono>
#include <thread>

#include "rig.h"
#include "store/group_sync.h"
#include "util/bytes.h"

namespace fastmeta::store::test {
namespace {

using namespace std::chrono_literals;

// Adds one to a counter row; false at a conflict.
bool add_one(Tables& tables, const std::string& key) {
  auto tx = tables.begin();
  MDP_CHECK(tx);
  auto value = (*tx)->get(Table::kRows, key);
  MDP_CHECK(value);
  const auto next = std::to_string(parse_decimal<int>(value->value_or("0")).value() + 1);
  auto done = (*tx)->put(Table::kRows, key, next);
  if (done) done = (*tx)->commit();
  MDP_CHECK(done || done.error().fault == Fault::kConflict);
  return done.has_value();
}

TEST(Threads, LoseNoUpdateWhenConflictsAreRunAgain) {
  const TempDir dir;
  StoreOptions options = options_in(dir.path(), Durability::kFlush);
  options.flush_interval = 2ms;
  options.checkpoint_interval = 20ms;
  auto store = must_open(options);
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        while (!add_one(*store, "shared")) std::this_thread::yield();
        MDP_CHECK(add_one(*store, "own" + std::to_string(t)));
        if (i % 50 == 0) MDP_CHECK(store->sync());
        if (i % 100 == 0) MDP_CHECK(store->may_write() && store->stats().commits > 0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(get(*store, "shared"), std::to_string(kThreads * kEach));
  EXPECT_EQ(get(*store, "own3"), std::to_string(kEach));
  const auto stats = store->stats();
  EXPECT_GT(stats.bytes_on_disk, 0U);
  EXPECT_GT(stats.log_bytes, 0U);
  EXPECT_GT(stats.bytes_in_cache, 0U);
}

TEST(Threads, GoOnWhileTablesAreCheckedAndCompacted) {
  const TempDir dir;
  auto store = must_open(options_in(dir.path()));
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        put(*store, std::to_string(t) + std::to_string(i % 2000), std::string(200, 'x'));
        ++done;
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    auto damage = store->verify();
    ASSERT_TRUE(damage) << damage.error().text;
    EXPECT_EQ(*damage, "");
    EXPECT_TRUE(store->compact());
    EXPECT_TRUE(store->checkpoint());
    std::this_thread::sleep_for(20ms);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GT(done, 0);
}

TEST(Compact, GivesSpaceBack) {
  const TempDir dir;
  auto store = must_open(options_in(dir.path()));
  for (int i = 0; i < 300; ++i) put(*store, std::to_string(i), std::string(50000, 'x'));
  ASSERT_TRUE(store->checkpoint());
  const uint64_t before = store->stats().bytes_on_disk;
  auto tx = std::move(*store->begin());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(tx->erase(Table::kRows, std::to_string(i)));
  ASSERT_TRUE(tx->commit());
  tx.reset();
  ASSERT_TRUE(store->checkpoint());
  EXPECT_GT(store->stats().bytes_reusable, before / 2);
  ASSERT_TRUE(store->compact());
  EXPECT_LT(store->stats().bytes_on_disk, before / 4);
}

TEST(Log, DoesNotGrowWithoutBound) {
  const TempDir dir;
  StoreOptions options = options_in(dir.path());
  options.checkpoint_log_bytes = uint64_t{16} << 20;
  auto store = must_open(options);
  const std::string value(100000, 'x');
  for (int i = 0; i < 3000; ++i) put(*store, std::to_string(i % 10), value);  // 300 MB
  // Some files more than the limit: WiredTiger allocates ahead, by how fast it goes.
  constexpr uint64_t kEnough = uint64_t{224} << 20;
  uint64_t bytes = 0;
  for (int i = 0; i < 100 && (bytes = store->stats().log_bytes) > kEnough; ++i)
    std::this_thread::sleep_for(50ms);
  EXPECT_LE(bytes, kEnough);
}

TEST(GroupSync, GivesEachCallerAFlushThatBeganAfterItsCall) {
  std::atomic<int> begun{0}, running{0};
  GroupSync group([&]() -> Result<void> {
    MDP_CHECK(running.fetch_add(1) == 0);
    ++begun;
    std::this_thread::sleep_for(2ms);
    --running;
    return {};
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const int before = begun;
        MDP_CHECK(group.sync());
        MDP_CHECK(begun > before);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LT(begun, 100);  // of 160 calls
}

TEST(GroupSync, TellsAllWhoWaitedOfAFailure) {
  bool good = false;
  GroupSync group([&]() -> Result<void> {
    if (good) return {};
    return Error{Fault::kLocalStore, EIO, "made"};
  });
  EXPECT_FALSE(group.sync());
  good = true;
  EXPECT_TRUE(group.sync());
}

}  // namespace
}  // namespace fastmeta::store::test
