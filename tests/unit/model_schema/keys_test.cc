// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/schema/keys.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

namespace fastmeta::model {
namespace {

TEST(Keys, AreNamedByTheSchema) {
  const KeySpace keys;
  EXPECT_EQ(keys.attr(1), "i1");
  EXPECT_EQ(keys.dir(kTrashIno), "d9223372032828243968");
  EXPECT_EQ(keys.parents(7), "p7");
  EXPECT_EQ(keys.chunk(5, 0), "c5_0");
  EXPECT_EQ(keys.symlink(8), "s8");
  EXPECT_EQ(keys.xattrs(9), "x9");
  EXPECT_EQ(keys.flock(3), "lockf3");
  EXPECT_EQ(keys.plock(3), "lockp3");
  EXPECT_EQ(keys.session_sustained(4), "session4");
  EXPECT_EQ(keys.session_locks(4), "locked4");
  EXPECT_EQ(keys.plain(kSliceRef), "sliceRef");
  EXPECT_EQ(KeySpace("{3}").chunk(5, 2), "{3}c5_2");
  EXPECT_EQ(KeySpace("{3}").setting(), "{3}setting");
}

TEST(Keys, ParseWhatTheyWrite) {
  for (const char* prefix : {"", "{3}"}) {
    const KeySpace keys{prefix};
    for (Ino ino : {Ino{1}, Ino{10}, Ino{4096}, kTrashIno + 5, ~Ino{0}}) {
      const auto expect = [&](const std::string& key, char kind, uint32_t index) {
        auto parsed = keys.parse(key);
        ASSERT_TRUE(parsed) << key;
        EXPECT_EQ(parsed->kind, kind);
        EXPECT_EQ(parsed->ino, ino);
        EXPECT_EQ(parsed->index, index);
      };
      expect(keys.attr(ino), 'i', 0);
      expect(keys.dir(ino), 'd', 0);
      expect(keys.parents(ino), 'p', 0);
      expect(keys.chunk(ino, 0), 'c', 0);
      expect(keys.chunk(ino, 4'294'967'295), 'c', 4'294'967'295);
      expect(keys.symlink(ino), 's', 0);
      expect(keys.xattrs(ino), 'x', 0);
    }
  }
}

TEST(Keys, AreNotTakenForOthersWithTheSameFirstLetter) {
  const KeySpace keys;
  for (const char* name :
       {"", "i", "d", "c", "dirUsedSpace", "dirUsedInodes", "dirDataLength", "dirQuota",
        "delfiles", "delSlices", "detachedNodes", "session3", "sessions", "sessionInfos",
        "setting", "sliceRef", "c1", "c1_", "c_1", "c1_2_3", "c1_x", "c1_01", "c1_-1",
        "c1_4294967296", "c01_1", "i0", "i01", "i-1", "i+1", "i 1", "i1 ", "i1x",
        "i18446744073709551616", "i99999999999999999999999", "d1_2", "lockf3", "lockp3",
        "k12_4096", "nextinode", "I1", "{3}i1", "x", "p", "s"})
    EXPECT_FALSE(keys.parse(name)) << name;
  EXPECT_FALSE(keys.parse(std::string_view("i1\0", 3)));
  EXPECT_FALSE(KeySpace("{3}").parse("i1"));
  EXPECT_FALSE(KeySpace("{3}").parse("{4}i1"));
  EXPECT_FALSE(KeySpace("{3}").parse("{3}"));
}

TEST(Keys, ParseRandomBytesWithoutHarm) {
  std::mt19937 random(1);
  const KeySpace keys;
  for (int i = 0; i < 200'000; ++i) {
    std::string key;
    for (size_t n = random() % 25; n > 0; --n) key += "idpcsx0123456789_-{}\xFF"[random() % 21];
    auto parsed = keys.parse(key);
    if (!parsed) continue;
    const std::string number = std::to_string(parsed->ino);
    EXPECT_EQ(key, parsed->kind == 'c' ? keys.chunk(parsed->ino, parsed->index)
                                       : std::string(1, parsed->kind) + number);
  }
}

TEST(Keys, FieldsAndMembersAreDecimal) {
  EXPECT_EQ(slice_ref_field(18, 6291456), "k18_6291456");
  EXPECT_EQ(dead_file_member(4, 0), "4:0");
}

TEST(TrashNames, AreCutAtTwoHundredFiftyFiveBytes) {
  EXPECT_EQ(trash_entry_name(1, 22, "name"), "1-22-name");
  const std::string name(255, 'n');
  EXPECT_EQ(trash_entry_name(1, 22, name), "1-22-" + std::string(250, 'n'));
  EXPECT_EQ(trash_entry_name(1, 22, std::string(250, 'n')).size(), 255u);
  EXPECT_EQ(trash_entry_name(1, 22, std::string(251, 'n')).size(), 255u);
  // Cut inside a character: bytes count, not characters.
  std::string wide;
  while (wide.size() < 254) wide += "é";
  EXPECT_EQ(trash_entry_name(1, 2, wide).size(), 255u);
  EXPECT_EQ(trash_entry_name(1, 2, std::string("a\0b", 3)), std::string("1-2-a\0b", 7));
}

TEST(TrashNames, HoursAreUtc) {
  setenv("TZ", "Asia/Tokyo", 1);
  tzset();
  EXPECT_EQ(trash_hour_name({0, 0}), "1970-01-01-00");
  EXPECT_EQ(trash_hour_name({1795364220, 999'999'999}), "2026-11-22-16");
  EXPECT_EQ(trash_hour_name({951'868'799, 0}), "2000-02-29-23");
  EXPECT_EQ(trash_hour_name({951'868'800, 0}), "2000-03-01-00");
  EXPECT_EQ(trash_hour_name({-1, 0}), "1969-12-31-23");
  std::mt19937_64 random(2);
  for (int i = 0; i < 10'000; ++i) {
    const auto second = static_cast<int64_t>(random() % 8'000'000'000);
    const time_t time = second;
    tm parts{};
    gmtime_r(&time, &parts);
    char text[32];
    strftime(text, sizeof text, "%Y-%m-%d-%H", &parts);
    ASSERT_EQ(trash_hour_name({second, 0}), text);
  }
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace fastmeta::model
