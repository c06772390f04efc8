// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/id_range.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace fastmeta::engine {
namespace {

constexpr uint64_t kReserve = 10;
constexpr uint64_t kLowWater = 4;

// A counter whose answers can be held back or refused.
struct IdRangeTest : ::testing::Test {
  Result<uint64_t> draw(uint64_t count) {
    std::unique_lock lock(mutex);
    ++asked;
    changed.notify_all();
    changed.wait(lock, [&] { return !held; });
    if (refuses) return Error{Fault::kDisconnected, EIO, "no server"};
    return counter += count;
  }
  void hold(bool on) {
    std::lock_guard lock(mutex);
    held = on;
    changed.notify_all();
  }
  void wait_until_asked(int times) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asked >= times; });
  }
  uint64_t take() {
    auto id = ids.next();
    EXPECT_TRUE(id);
    return id ? *id : 0;
  }
  void take_to_low_water() {
    for (uint64_t i = kLowWater; i < kReserve; ++i) take();
    EXPECT_EQ(wakes, 0);
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool held = false, refuses = false;
  int asked = 0;
  uint64_t counter = 0;
  std::atomic<int> wakes{0};
  IdRange ids{kReserve, kLowWater, 1, [this](uint64_t count) { return draw(count); },
              [this] { ++wakes; }};
};

TEST_F(IdRangeTest, WakesTheRefillAtTheLowWaterMarkAndNotBefore) {
  take_to_low_water();
  ids.refill();
  EXPECT_EQ(asked, 1) << "there is enough";
  take();
  EXPECT_EQ(wakes, 1);
  ids.refill();
  EXPECT_EQ(asked, 2);
  take();
  EXPECT_EQ(wakes, 1) << "the next range is there";
}

TEST_F(IdRangeTest, CallersDoNotWaitForARefillOnItsWay) {
  take_to_low_water();
  take();
  hold(true);
  std::thread background([&] { ids.refill(); });
  wait_until_asked(2);
  for (uint64_t id = kReserve - kLowWater + 2; id <= kReserve; ++id) EXPECT_EQ(take(), id);
  EXPECT_EQ(asked, 2) << "nor does anybody ask a second time";
  hold(false);
  background.join();
  EXPECT_EQ(take(), kReserve + 1);
  EXPECT_EQ(asked, 2);
}

TEST_F(IdRangeTest, WhoFindsNothingLeftWaitsForTheRefillInsteadOfAskingToo) {
  take_to_low_water();
  hold(true);
  while (take() < kReserve) {
  }
  std::thread background([&] { ids.refill(); });
  wait_until_asked(2);
  std::thread caller([&] { EXPECT_EQ(take(), kReserve + 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  hold(false);
  caller.join();
  background.join();
  EXPECT_EQ(asked, 2);
}

TEST_F(IdRangeTest, ARefillThatFailedIsTriedAgain) {
  take_to_low_water();
  refuses = true;
  take();
  EXPECT_EQ(wakes, 1);
  ids.refill();
  EXPECT_EQ(asked, 2);
  take();
  EXPECT_EQ(wakes, 2) << "each number that is taken asks again";
  ids.refill();
  EXPECT_EQ(asked, 3);
  refuses = false;
  take();
  ids.refill();
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(take(), kReserve);
  EXPECT_EQ(take(), kReserve + 1);
  EXPECT_EQ(asked, 4) << "from the range that the refill brought";
}

TEST_F(IdRangeTest, AnErrorIsToldOnlyWhenNothingIsLeft) {
  take_to_low_water();
  refuses = true;
  ids.refill();
  while (take() < kReserve) ids.refill();
  auto none = ids.next();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kDisconnected);
  refuses = false;
  EXPECT_EQ(take(), kReserve + 1);
}

// I10. Other clients draw from the same counter.
TEST_F(IdRangeTest, NumbersNeverRepeatWhateverFails) {
  std::atomic<bool> stop{false};
  std::thread background([&] {
    while (!stop) {
      ids.refill();
      std::this_thread::yield();
    }
  });
  std::thread world([&] {
    while (!stop) {
      std::lock_guard lock(mutex);
      counter += 3;
      refuses = !refuses;
    }
  });
  std::vector<std::vector<uint64_t>> taken(4);
  std::vector<std::thread> callers;
  for (auto& mine : taken)
    callers.emplace_back([&] {
      while (mine.size() < 5000)
        if (auto id = ids.next()) mine.push_back(*id);
    });
  for (auto& caller : callers) caller.join();
  stop = true;
  background.join();
  world.join();
  std::set<uint64_t> all;
  for (const auto& mine : taken) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    for (const uint64_t id : mine) EXPECT_TRUE(all.insert(id).second) << id;
  }
  EXPECT_LE(*all.rbegin(), ids.highest());
}

TEST_F(IdRangeTest, LeftOverNumbersAreNotGivenAnyMore) {
  take_to_low_water();
  take();
  ids.refill();
  const auto left = ids.left_over();
  EXPECT_EQ(left, (std::pair<uint64_t, uint64_t>(kReserve - kLowWater + 2, 2 * kReserve)));
  EXPECT_EQ(take(), 2 * kReserve + 1);
  EXPECT_EQ(ids.left_over().first, 2 * kReserve + 2);
}

}  // namespace
}  // namespace fastmeta::engine
