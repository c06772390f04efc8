// SPDX-License-Identifier: GPL-3.0-or-later
// Whose directory it is, and who has it open.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "rig.h"
#include "store/identity.h"

namespace fastmeta::store::test {
namespace {

using ::testing::HasSubstr;

TEST(Open, MakesTheDirectoryForItsOwnerOnly) {
  const TempDir dir;
  must_open(options_in(dir / "a/b/meta"));
  struct stat st{};
  ASSERT_EQ(::stat((dir / "a/b/meta").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0700U);
  EXPECT_TRUE(store_exists(dir / "a/b/meta"));
  EXPECT_FALSE(store_exists(dir / "a/b"));
}

TEST(Open, KnowsHowManyRowsThereAreAfterACleanStopAndSoonAfterAnother) {
  const TempDir dir;
  const auto options = options_in(dir / "meta");
  const auto rows_become = [&](Store& store, uint64_t wanted) {
    for (int i = 0; i < 300 && store.stats().rows != wanted; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return store.stats().rows == wanted;
  };
  {
    auto store = must_open(options);
    for (int i = 0; i < 25'000; i += 5000) {
      auto tx = store->begin();
      for (int k = i; k < i + 5000; ++k)
        ASSERT_TRUE((*tx)->put(Table::kRows, "k" + std::to_string(k), "v"));
      ASSERT_TRUE((*tx)->commit());
    }
    EXPECT_EQ(store->stats().rows, 25'000u);
    ASSERT_TRUE(store->close_clean());
  }
  {
    auto store = must_open(options);
    EXPECT_EQ(store->stats().rows, 25'000u);
    put(*store, "another", "v");
  }  // not clean
  auto store = must_open(options);
  EXPECT_TRUE(rows_become(*store, 25'001)) << store->stats().rows.value_or(0);
}

TEST(Open, RefusesASecondProcessAndNamesTheFirst) {
  const TempDir dir;
  auto store = must_open(options_in(dir.path()));
  const int status = in_child([&] {
    auto second = Store::open(options_in(dir.path()), Log());
    const std::string who = "process " + std::to_string(::getppid());
    return !second && second.error().fault == Fault::kConfig &&
                   second.error().text.find(who) != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(status, 0);
  const Error same = open_error(options_in(dir.path()));
  EXPECT_EQ(same.fault, Fault::kConfig);
  EXPECT_THAT(same.text, HasSubstr("this process"));
  EXPECT_EQ(drop_store(dir.path()).error().fault, Fault::kConfig);
  store.reset();
  must_open(options_in(dir.path()));
}

TEST(Open, RefusesTheStoreOfAnotherVolume) {
  const TempDir dir;
  must_open(options_in(dir.path()));
  StoreOptions other = options_in(dir.path());
  other.volume = "11111111-2222-3333-4444-555555555555";
  const Error error = open_error(other);
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr(kVolume));
  EXPECT_THAT(error.text, HasSubstr(other.volume));
}

TEST(Open, RefusesANewerFormatNamingBoth) {
  const TempDir dir;
  must_open(options_in(dir.path()));
  ASSERT_TRUE(write_identity(dir / "identity", {7, kVolume, true}));
  const Error error = open_error(options_in(dir.path()));
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("format 7"));
  EXPECT_THAT(error.text, HasSubstr("up to 1"));
}

TEST(Open, RefusesADirectoryOfSomethingElse) {
  const TempDir dir;
  std::ofstream(dir / "letter.txt") << "mine";
  const Error error = open_error(options_in(dir.path()));
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("letter.txt"));
  std::ofstream(dir / "file") << "x";
  EXPECT_FALSE(Store::open(options_in(dir / "file"), Log()));
}

TEST(Open, RefusesARowsFileThatIsGoneInsteadOfMakingItAnew) {
  for (const char* name : {"db/rows.wt", "db/oplog.wt", "db/WiredTiger.turtle",
                           "db/WiredTiger.wt", "db/WiredTiger", "identity"}) {
    const TempDir dir;
    must_open(options_in(dir.path()));
    std::filesystem::remove(dir / name);
    const Error error = open_error(options_in(dir.path()));
    EXPECT_EQ(error.fault, Fault::kLocalStore) << name;
    EXPECT_THAT(error.text, HasSubstr(std::filesystem::path(name).filename().string()));
    EXPECT_THAT(error.text, HasSubstr("fastmeta cache"));
  }
}

TEST(Drop, RemovesItsOwnFilesOnly) {
  const TempDir dir;
  must_open(options_in(dir / "meta"));
  std::ofstream(dir / "meta/note") << "mine";
  EXPECT_TRUE(drop_store(dir / "meta"));
  EXPECT_FALSE(store_exists(dir / "meta"));
  EXPECT_TRUE(std::filesystem::exists(dir / "meta/note"));
  size_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir / "meta"))
    ++left;
  EXPECT_EQ(left, 1U);
  EXPECT_TRUE(drop_store(dir / "meta"));
  EXPECT_TRUE(drop_store(dir / "absent"));
}

TEST(Identity, SurvivesTheRoundTripAndNoChangedByte) {
  const Identity identity{1, kVolume, true};
  const std::string text = encode_identity(identity);
  auto back = decode_identity(text, "f");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->volume, kVolume);
  EXPECT_TRUE(back->ready);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decode_identity(bad, "f")) << i;
    EXPECT_FALSE(decode_identity(text.substr(0, i), "f")) << i;
  }
}

TEST(FreeSpaceReserve, StopsWritersBeforeItStopsWhatDrainsABacklog) {
  const TempDir dir;
  StoreOptions options = options_in(dir.path());
  options.free_space_reserve = uint64_t{1} << 60;
  auto store = must_open(options);
  const auto asked = store->may_write();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().fault, Fault::kLocalStore);
  EXPECT_EQ(asked.error().code, ENOSPC);
  put(*store, "k", "v");
  EXPECT_EQ(get(*store, "k"), "v");
}

}  // namespace
}  // namespace fastmeta::store::test
