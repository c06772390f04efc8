// SPDX-License-Identifier: GPL-3.0-or-later
// Merging slices keeps the bytes and leaves nothing behind.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "rig.h"

namespace fastmeta::host::test {
namespace {

RigOptions compacting() {
  RigOptions options;
  options.data.compact = true;
  return options;
}

// `count` records in chunk 0 of inode 2; what the file then holds.
std::string scatter(Rig& rig, Handle& file, int count) {
  std::string model;
  for (int i = 0; i < count; ++i) {
    const size_t off = static_cast<size_t>(i) * 7919 % 300000;
    const std::string bytes = pattern(9000, static_cast<uint64_t>(i));
    EXPECT_EQ(rig.write(file, off, bytes), 0);
    EXPECT_EQ(file.flush(), 0);
    if (model.size() < off + bytes.size()) model.resize(off + bytes.size());
    std::memcpy(model.data() + off, bytes.data(), bytes.size());
  }
  return model;
}

}  // namespace

TEST(Compaction, ManyWritesAreMergedInTheBackground) {
  Rig rig(compacting());
  const auto file = rig.open(2);
  const std::string model = scatter(rig, *file, 99);
  EXPECT_TRUE(eventually([&] { return rig.plugin.records(2, 0).size() == 1; }));
  EXPECT_TRUE(rig.read(*file, 0, model.size() + 1) == model);
  EXPECT_TRUE(eventually([&] { return rig.engine->stats().compactions == 1; }));
  EXPECT_EQ(rig.objects().size(), (model.size() + kBlock - 1) / kBlock) << "old ones are gone";
}

TEST(Compaction, AReaderOfManyPiecesAsksForIt) {
  Rig rig(compacting());
  const auto file = rig.open(2);
  const std::string model = scatter(rig, *file, 6);
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 6u);
  EXPECT_TRUE(rig.read(*file, 0, model.size()) == model);
  EXPECT_TRUE(eventually([&] { return rig.plugin.records(2, 0).size() == 1; }));
  EXPECT_TRUE(rig.read(*file, 0, model.size()) == model);
  scatter(rig, *file, 6);
  rig.read(*file, 0, model.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 7u) << "once a minute is enough";
}

TEST(Compaction, IsNotDoneWhenItIsSwitchedOff) {
  RigOptions options = compacting();
  options.data.compact = false;
  Rig rig(options);
  const auto file = rig.open(2);
  const std::string model = scatter(rig, *file, 99);
  rig.read(*file, 0, model.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 99u);
}

TEST(Compaction, ARefusalRemovesTheNewObjects) {
  for (const int answer : {-EAGAIN, -ENOENT, -EROFS}) {
    Rig rig(compacting());
    std::atomic<bool> asked{false};
    rig.plugin.fault = [&, answer](const char* op, uint64_t) {
      if (op != std::string("compact_commit")) return 0;
      asked = true;
      return answer;
    };
    const auto file = rig.open(2);
    const std::string model = scatter(rig, *file, 6);
    EXPECT_TRUE(rig.read(*file, 0, model.size()) == model);
    EXPECT_TRUE(eventually([&] { return asked && rig.objects().size() == 6; }));
    EXPECT_TRUE(rig.read(*file, 0, model.size()) == model);
  }
}

TEST(Compaction, AnUnclearOutcomeKeepsTheNewObjects) {
  Rig rig(compacting());
  std::atomic<bool> asked{false};
  rig.plugin.fault = [&](const char* op, uint64_t) {
    if (op != std::string("compact_commit")) return 0;
    asked = true;
    return -EIO;
  };
  const auto file = rig.open(2);
  const std::string model = scatter(rig, *file, 6);
  rig.read(*file, 0, model.size());
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
  EXPECT_EQ(rig.engine->stop(std::chrono::seconds(5)), 0);
  EXPECT_EQ(rig.objects().size(), 6 + (model.size() + kBlock - 1) / kBlock);
}

TEST(Compaction, AMissingPartStopsItAndNothingIsReplaced) {
  Rig rig(compacting());
  const auto file = rig.open(2);
  const std::string model = scatter(rig, *file, 6);
  std::filesystem::remove(rig.path_of("chunks/0/0/6_0_9000"));
  rig.read(*file, 0, 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 6u);
  EXPECT_EQ(rig.objects().size(), 5u);
}

}  // namespace fastmeta::host::test
