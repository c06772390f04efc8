// SPDX-License-Identifier: GPL-3.0-or-later
// What an fsync does beyond a flush: objects survive a power loss.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "rig.h"

namespace fastmeta::host::test {
namespace {

// What the store was asked to sync, in order of their names.
class Synced {
 public:
  explicit Synced(Rig& rig) {
    rig.fail_store([this](const char* op, const std::string& name) {
      std::lock_guard lock(mutex_);
      if (op != std::string("sync") && op != std::string("sync_all")) return 0;
      names_.push_back(name);
      return rc_;
    });
  }
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    std::sort(names_.begin(), names_.end());
    return std::exchange(names_, {});
  }
  void fail(int rc) {
    std::lock_guard lock(mutex_);
    rc_ = rc;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;  // "": all
  int rc_ = 0;
};

using Names = std::vector<std::string>;

}  // namespace

TEST(Fsync, SyncsWhatItStores) {
  Rig rig;
  Synced synced(rig);
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  EXPECT_EQ(file->flush(), 0);
  EXPECT_EQ(synced.take(), Names{}) << "a close waits for no disk";
  ASSERT_EQ(rig.write(*file, 5, pattern(kBlock + 1, 1)), 0);
  EXPECT_EQ(file->fsync(), 0);
  EXPECT_EQ(synced.take(),
            (Names{"chunks/0/0/1_0_5", "chunks/0/0/2_0_65536", "chunks/0/0/2_1_1"}))
      << "also what was stored before";
  EXPECT_EQ(file->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{}) << "once";
}

TEST(Fsync, SyncsWhatAnotherHandleHasStored) {
  Rig rig;
  Synced synced(rig);
  {
    const auto file = rig.open(2);
    ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
    ASSERT_EQ(file->flush(), 0);
  }
  ASSERT_EQ(rig.engine->find(2), nullptr);
  EXPECT_EQ(rig.open(3)->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{}) << "another file";
  EXPECT_EQ(rig.open(2)->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{"chunks/0/0/1_0_5"});
}

TEST(Fsync, SyncsDataOfAFileThatItWasCopiedFrom) {
  Rig rig;
  Synced synced(rig);
  const auto from = rig.open(2), to = rig.open(3);
  ASSERT_EQ(rig.write(*from, 0, "hello"), 0);
  uint64_t copied = 0;
  mdp_attr attr{};
  ASSERT_EQ(rig.engine->copy_file_range(somebody(), 2, 0, 3, 0, 5, 0, &copied, &attr), 0);
  EXPECT_EQ(to->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{"chunks/0/0/1_0_5"});
}

TEST(Fsync, AFailureIsToldToAllHandlesAndTriedAgain) {
  Rig rig;
  Synced synced(rig);
  const auto file = rig.open(2), other = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  ASSERT_EQ(file->flush(), 0);
  synced.fail(-EIO);
  EXPECT_EQ(file->fsync(), -EIO);
  EXPECT_NE(rig.log().find("inode 2: stored data may not survive"), std::string::npos);
  EXPECT_EQ(other->flush(), -EIO);
  synced.fail(0);
  synced.take();
  EXPECT_EQ(other->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{"chunks/0/0/1_0_5"});
}

TEST(Fsync, LeavesItToTheStorageWhenToldSo) {
  RigOptions options;
  options.data.sync = false;
  Rig rig(options);
  Synced synced(rig);
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  EXPECT_EQ(file->fsync(), 0);
  EXPECT_EQ(synced.take(), Names{});
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
}

TEST(Fsync, AMergeReplacesNothingSyncedByWhatIsNot) {
  RigOptions options;
  options.data.compact = true;
  Rig rig(options);
  Synced synced(rig);
  const auto file = rig.open(2);
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(rig.write(*file, static_cast<uint64_t>(i) * 7, "hello"), 0);
    ASSERT_EQ(file->fsync(), 0);
  }
  ASSERT_EQ(synced.take().size(), 6u);
  rig.read(*file, 0, 100);
  EXPECT_TRUE(eventually([&] { return rig.engine->stats().compactions == 1; }));
  EXPECT_EQ(synced.take(), Names{"chunks/0/0/7_0_40"});
}

}  // namespace fastmeta::host::test
