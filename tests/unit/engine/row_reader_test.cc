// SPDX-License-Identifier: GPL-3.0-or-later
// Listings of mode fast-meta that the local rows do not hold as a whole.
#include "engine/fastmeta/row_reader.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "unit/engine/sync_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;

constexpr Ino kDir = 50;
constexpr size_t kEntries = 25'000;  // more than one page of the server's

class LargeListing : public Sync {
 protected:
  void SetUp() override {
    Sync::SetUp();
    rig_ = std::make_unique<SyncRig>(
        config_for(server.url(), {"mode=fast-meta", "cache.dir=/nowhere", "meta.deadline=2s",
                                  "cache.listing-max=" + std::to_string(listing_max)}),
        host, tables, engine::Identity{"c1", 7, 1});
    ASSERT_EQ(rig().create(kRoot, "d", kDir, FileType::kDirectory), 0);
    ASSERT_TRUE(rig().drain());
    fill_on_server(kDir, kEntries);
    for (size_t i = 0; i < kEntries; ++i) expected.insert("f" + std::to_string(i));
    // What the server does not know yet.
    ASSERT_EQ(rig().create(kDir, "mine", 100), 0);
    model::Unlink removal{{{}, Clock().now(), kDir, "f5", 0}};
    ASSERT_EQ(rig().apply(removal), 0);
    ASSERT_EQ(rig().rename(kDir, "f6", kDir, "moved"), 0);
    ASSERT_EQ(rig().rename(kDir, "f7", kDir, "f8"), 0);
    expected.insert({"mine", "moved"});
    for (const char* gone : {"f5", "f6", "f7"}) expected.erase(gone);
    reader = std::make_unique<engine::RowReader>(rig().parts, rig().mirror, rig().parts.keys, kDir);
  }
  // Reads up to `most` names more; false at the end.
  bool read(size_t most) {
    auto page = reader->page(at, most, false);
    EXPECT_TRUE(page);
    if (!page) return false;
    for (const auto& item : *page) {
      EXPECT_TRUE(seen.emplace(item.name).second) << item.name << " a second time";
      inodes[std::string(item.name)] = item.dentry.ino;
    }
    at += page->size();
    return page->size() == most;
  }
  void is_right() {
    EXPECT_EQ(seen.size(), expected.size());
    EXPECT_TRUE(seen == expected);
    EXPECT_EQ(inodes["mine"], 100u);
    EXPECT_EQ(inodes["moved"], 10'006u);
    EXPECT_EQ(inodes["f8"], 10'007u);
  }

  size_t listing_max = 100;
  std::set<std::string> expected, seen;
  std::map<std::string, Ino> inodes;
  std::unique_ptr<engine::RowReader> reader;
  uint64_t at = 0;
};

TEST_F(LargeListing, BeginsBeforeAllOfItIsRead) {
  const auto scans = [&] {
    const std::string text = server.ask("INFO commandstats");
    const size_t at = text.find("cmdstat_hscan:calls=");
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 20);
  };
  ASSERT_TRUE(read(64));
  EXPECT_LE(scans(), 2);
  while (read(1000)) {
  }
  is_right();
}

TEST_F(LargeListing, IsRightAlthoughWhatWasPendingIsSentMeanwhile) {
  ASSERT_TRUE(read(64));
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  while (read(5000)) {
  }
  is_right();
}

TEST_F(LargeListing, ShowsWhatHappensMeanwhileOnceOrNotAtAll) {
  ASSERT_TRUE(read(64));
  for (int i = 0; i < 20; ++i) {
    const std::string name = "f" + std::to_string(i * 1000 + 500), made = "m" + std::to_string(i);
    if (!seen.contains(name)) {
      model::Unlink removal{{{}, Clock().now(), kDir, name, 0}};
      ASSERT_EQ(rig().apply(removal), 0);
      expected.erase(name);
    }
    ASSERT_EQ(rig().create(kDir, made, 200 + static_cast<Ino>(i)), 0);
    if (i % 5 == 0) {
      ASSERT_TRUE(rig().drain());
    }
  }
  while (read(5000)) {
  }
  for (int i = 0; i < 20; ++i) seen.erase("m" + std::to_string(i));
  std::set<std::string> removed;  // a page that was read before shows them
  std::set_difference(seen.begin(), seen.end(), expected.begin(), expected.end(),
                      std::inserter(removed, removed.end()));
  for (const std::string& name : removed) EXPECT_TRUE(name.ends_with("500")) << name;
  for (const std::string& name : expected) EXPECT_TRUE(seen.contains(name)) << name;
}

TEST_F(LargeListing, OfAFolderThatWasRemovedHereIsEmpty) {
  ASSERT_EQ(rig().create(kRoot, "e", 60, FileType::kDirectory), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().apply(model::Rmdir{{{}, Clock().now(), kRoot, "e", 0}}), 0);
  reader = std::make_unique<engine::RowReader>(rig().parts, rig().mirror, rig().parts.keys, 60);
  EXPECT_FALSE(read(10));
  EXPECT_TRUE(seen.empty());
}

class BusyListing : public LargeListing {
 protected:
  BusyListing() { listing_max = 1'000'000; }
};

TEST_F(BusyListing, IsRightThoughOthersChangeTheFolderAllTheTime) {
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop)
      on_server({{"HSET", "d50", "busy", model::encode_dentry({FileType::kFile, 9000})},
                 {"HDEL", "d50", "busy"}});
  });
  while (read(700)) {
  }
  stop = true;
  other.join();
  seen.erase("busy");
  is_right();
}

}  // namespace
}  // namespace fastmeta::test
