// SPDX-License-Identifier: GPL-3.0-or-later
// Objects of slices that no record names yet.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "data/kept_objects.h"
#include "data/object_name.h"
#include "rig.h"

namespace fastmeta::host::test {
namespace fs = std::filesystem;

namespace {

// What is left in the folder of kept objects.
size_t kept(const std::string& root) {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root + "fastmeta-kept"))
    count += entry.is_regular_file();
  return count;
}

auto stored(Rig& rig, size_t bytes) {
  auto file = rig.open(2);
  EXPECT_EQ(rig.write(*file, 0, pattern(bytes, 1)), 0);
  EXPECT_EQ(file->flush(), 0);
  return file;
}

}  // namespace

TEST(Keeping, WhatAGarbageCollectionTookIsBroughtBackAsNew) {
  Rig rig;
  const uint32_t size = 2 * kBlock + 1;
  const auto file = stored(rig, size);
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
  for (const auto& object : rig.objects()) fs::last_write_time(rig.path_of(object), old);
  ASSERT_EQ(rig.engine->slice_is_durable(1, size), 1);
  for (const auto& object : rig.objects())
    EXPECT_GT(fs::last_write_time(rig.path_of(object)), old + std::chrono::hours(1));
  fs::remove_all(rig.path_of("chunks"));
  ASSERT_TRUE(rig.objects().empty());
  EXPECT_EQ(rig.engine->slice_is_durable(1, size), 1);
  EXPECT_EQ(rig.objects().size(), 3u);
  EXPECT_EQ(rig.read(*file, 0, size), pattern(size, 1));
  // What is deleted is not to come back.
  ASSERT_EQ(kept(rig.path_of("")), 3u);
  EXPECT_EQ(rig.engine->delete_slice(1, size), 0);
  EXPECT_EQ(kept(rig.path_of("")), 0u);
}

TEST(Keeping, WhatWasOldIsLookedAfterSinceACollectionMayHaveFoundIt) {
  Rig rig;
  const auto file = stored(rig, 10);
  const std::string object = rig.objects().at(0);
  KeptObjects objects(rig.path_of(""));
  const auto now = KeptObjects::Clock::now();
  ASSERT_EQ(objects.keep(object), 0);
  fs::remove(rig.path_of(object));
  objects.tend(now + std::chrono::hours(2));
  EXPECT_FALSE(fs::exists(rig.path_of(object))) << "it was new";
  ASSERT_EQ(objects.keep(object), 0);
  ASSERT_TRUE(fs::exists(rig.path_of(object)));
  for (int i = 0; i < 3; ++i) {
    fs::remove(rig.path_of(object));
    objects.tend(now + std::chrono::hours(2 + 2 * i));
    EXPECT_TRUE(fs::exists(rig.path_of(object)));
  }
  fs::remove(rig.path_of(object));
  objects.forget(object);
  objects.tend(now + std::chrono::hours(9));
  EXPECT_FALSE(fs::exists(rig.path_of(object))) << "it was deleted";
}

TEST(Keeping, LinksThatNobodyAskedForInDaysGo) {
  Rig rig;
  const auto file = stored(rig, 10);
  ASSERT_EQ(rig.engine->slice_is_durable(1, 10), 1);
  const KeptObjects links(rig.path_of(""));
  const auto now = std::chrono::system_clock::now();
  links.clean(now - std::chrono::hours(24));
  EXPECT_EQ(kept(rig.path_of("")), 1u);
  links.clean(now + std::chrono::hours(48));
  EXPECT_EQ(kept(rig.path_of("")), 0u);
}

TEST(Keeping, AStorageThatIsNotThereHasLostNothing) {
  Rig rig;
  const auto file = stored(rig, 10);
  EXPECT_EQ(rig.engine->slice_is_durable(99, 10), -ENOENT);
  fs::rename(rig.path_of(kOwnerObject), rig.path_of("elsewhere"));
  EXPECT_EQ(rig.engine->slice_is_durable(99, 10), 0);
  rig.fail_store([](const char* op, const std::string&) {
    return op == std::string("keep") ? -EACCES : 0;
  });
  EXPECT_EQ(rig.engine->slice_is_durable(1, 10), 0);
}

}  // namespace fastmeta::host::test
