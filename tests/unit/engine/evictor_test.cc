// SPDX-License-Identifier: GPL-3.0-or-later
// What leaves the local store when it is full, and what never does.
#include "engine/fastmeta/evictor.h"

#include <gtest/gtest.h>

#include "memory_tables/memory_tables.h"
#include "support/sync_rig.h"
#include "volume_fixture.h"

namespace fastmeta::test {
namespace {

using model::Ino;
constexpr Ino kRoot = model::kRootIno;

class Eviction : public VolumeTest {
 protected:
  SyncRig& rig() {
    if (!rig_) {
      auto config = config_for(server.url(), {"mode=fast-meta", "cache.dir=/nowhere"});
      config.cache.max_size = kLimit;
      config.sync.keep_applied = std::chrono::milliseconds(0);
      rig_ = std::make_unique<SyncRig>(config, host, tables);
    }
    return *rig_;
  }
  void create(Ino first, Ino count) {
    for (Ino ino = first; ino < first + count; ++ino)
      ASSERT_EQ(rig().create(kRoot, "f" + std::to_string(ino), ino), 0);
  }
  // Sent, and no longer kept for a server that forgets.
  void settle() {
    ASSERT_TRUE(rig().drain()) << rig().last_error;
    for (int i = 0; i < 100 && rig().rows(store::Table::kApplied) > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      rig().step();
    }
  }
  void expect_all(Ino first, Ino count) {
    for (Ino ino = first; ino < first + count; ++ino)
      EXPECT_EQ(rig().find(kRoot, "f" + std::to_string(ino)), ino);
  }
  // How many rows went.
  uint64_t trim() {
    engine::Evictor evictor(rig().parts, tables);
    for (int i = 0; i < 1000; ++i) {
      auto more = evictor.pass();
      EXPECT_TRUE(more);
      if (!more || !*more) return evictor.evicted();
    }
    ADD_FAILURE() << "it does not end";
    return 0;
  }

  static constexpr uint64_t kLimit = 20'000;
  RecordingHost host;
  MemoryTables tables;
  std::unique_ptr<SyncRig> rig_;
};

TEST_F(Eviction, BringsTheStoreBelowItsLimitAndTheServerAnswersWhatIsGone) {
  create(100, 400);
  settle();
  ASSERT_GT(tables.stats().bytes_on_disk, 2 * kLimit);
  EXPECT_GT(trim(), 0u);
  EXPECT_LE(tables.stats().bytes_on_disk, kLimit);
  EXPECT_GT(tables.stats().bytes_on_disk, kLimit / 2) << "no more goes than has to";
  expect_all(100, 400);
  EXPECT_EQ(rig().find(kRoot, "other"), 0u);
}

TEST_F(Eviction, LeavesASmallStoreAlone) {
  create(100, 10);
  settle();
  ASSERT_LT(tables.stats().bytes_on_disk, kLimit);
  EXPECT_EQ(trim(), 0u);
}

TEST_F(Eviction, TakesNothingThatIsNotSent) {
  create(100, 300);
  settle();
  create(1000, 400);
  rig().client->stop();  // whatever is asked now has to be there
  trim();
  EXPECT_EQ(rig().rows(store::Table::kOplog), 400u);
  expect_all(1000, 400);
}

TEST_F(Eviction, WhatIsGoneMayBeChangedAndRemoved) {
  create(100, 400);
  settle();
  trim();
  for (Ino ino = 100; ino < 500; ++ino) {
    ASSERT_EQ(rig().unlink(kRoot, "f" + std::to_string(ino)), 0);
    if (ino % 100 == 0) trim();
  }
  settle();
  EXPECT_EQ(number("HLEN d1"), 0);
  EXPECT_EQ(number("GET totalInodes"), 0);
}

}  // namespace
}  // namespace fastmeta::test
