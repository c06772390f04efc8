// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/schema/setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "golden.h"

namespace fastmeta::model {
namespace {

using testing::HasSubstr;

Setting served() {
  Setting s;
  s.name = "vol";
  s.uuid = "u";
  s.storage = "file";
  s.bucket = "/b/";
  s.compression = "none";
  s.min_client_version = "1.1.0-A";
  return s;
}

TEST(ParseSetting, ReadsTheClientsOwn) {
  const std::string& text = golden_key("limits", "setting").string;
  auto s = parse_setting(text);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->name, "golden");
  EXPECT_EQ(s->uuid.size(), 36u);
  EXPECT_EQ(s->storage, "file");
  EXPECT_EQ(s->bucket.back(), '/');
  EXPECT_EQ(s->block_size_kib, 256u);
  EXPECT_EQ(s->compression, "zstd");
  EXPECT_TRUE(s->hash_prefix);
  EXPECT_EQ(s->capacity, uint64_t{10} << 30);
  EXPECT_EQ(s->inode_limit, 12345u);
  EXPECT_EQ(s->trash_days, 7);
  EXPECT_EQ(s->meta_version, 1);
  EXPECT_EQ(s->min_client_version, "1.1.0-A");
  EXPECT_TRUE(s->dir_stats);
  EXPECT_FALSE(s->enable_acl);
  EXPECT_EQ(s->json, text);
  EXPECT_TRUE(check_supported(*s));
}

TEST(ParseSetting, SeesAllThatWeRefuseInTheClientsOwn) {
  auto s = parse_setting(golden_key("refused", "setting").string);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->shards, 4u);
  EXPECT_FALSE(s->encrypt_key.empty());
  EXPECT_TRUE(s->enable_acl);
  EXPECT_TRUE(s->user_group_quota);
  EXPECT_TRUE(s->change_log);
  EXPECT_FALSE(check_supported(*s));
}

TEST(ParseSetting, TakesWhatIsLeftOutOrNullAsZero) {
  auto s = parse_setting(R"({"Name":"v","UUID":"u","Tiers":null,"TrashDays":null,"New":[1]})");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->block_size_kib, 0u);
  EXPECT_EQ(s->meta_version, 0);
  EXPECT_FALSE(s->dir_stats);
}

TEST(ParseSetting, RefusesWhatIsNoSetting) {
  for (const char* text : {"", "null", "[]", "\"x\"", "{", "{}", R"({"Name":"v"})",
                           R"({"UUID":"u"})", R"({"Name":"v","UUID":"u"} x)",
                           "{\"Name\":\"\xFF\",\"UUID\":\"u\"}"}) {
    auto s = parse_setting(text);
    ASSERT_FALSE(s) << text;
    EXPECT_EQ(s.error().fault, Fault::kCorrupt) << text;
    EXPECT_THAT(s.error().text, HasSubstr("setting"));
  }
}

TEST(ParseSetting, NamesTheFieldOfTheWrongType) {
  for (const char* field :
       {R"("Name":1)", R"("UUID":true)", R"("Storage":[])", R"("Bucket":{})",
        R"("BlockSize":"4096")", R"("BlockSize":-1)", R"("BlockSize":4294967296)",
        R"("BlockSize":1.5)", R"("Shards":-2)", R"("HashPrefix":1)", R"("Capacity":-1)",
        R"("Capacity":18446744073709551616)", R"("Inodes":"1")", R"("EncryptKey":5)",
        R"("KeyEncrypted":"yes")", R"("TrashDays":1e3)", R"("TrashDays":2147483648)",
        R"("MetaVersion":"1")", R"("MinClientVersion":1)", R"("MaxClientVersion":1)",
        R"("DirStats":0)", R"("UserGroupQuota":0)", R"("EnableACL":"true")",
        R"("ChangeLog":1)"}) {
    // The last of two equal names counts.
    const std::string text = std::string(R"({"Name":"v","UUID":"u",)") + field + "}";
    auto s = parse_setting(text);
    ASSERT_FALSE(s) << text;
    EXPECT_EQ(s.error().fault, Fault::kCorrupt);
    const std::string name(field + 1, std::string_view(field).find('"', 1) - 1);
    EXPECT_THAT(s.error().text, HasSubstr(name));
  }
}

TEST(ParseSetting, NeverCrashesOnRandomBytes) {
  std::mt19937 random(3);
  const std::string good = golden_key("limits", "setting").string;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (size_t n = random() % 5; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    if (random() % 3 == 0) text.resize(random() % text.size());
    auto s = parse_setting(text);
    if (s)
      (void)check_supported(*s).has_value();
    else
      ASSERT_EQ(s.error().fault, Fault::kCorrupt);
  }
}

TEST(CheckSupported, ServesAnOrdinaryVolume) {
  EXPECT_TRUE(check_supported(served()));
  for (const char* name : {"", "none", "NONE", "lz4", "LZ4", "zstd", "Zstd"}) {
    Setting s = served();
    s.compression = name;
    EXPECT_TRUE(check_supported(s)) << name;
  }
  Setting s = served();
  s.shards = 1;
  s.meta_version = 0;
  s.max_client_version = "1.4.2";
  s.min_client_version = "1.4.2";
  EXPECT_TRUE(check_supported(s));
}

TEST(CheckSupported, NamesTheFieldThatItRefuses) {
  struct Case {
    const char* field;
    void (*change)(Setting&);
  };
  const Case cases[] = {
      {"MetaVersion", [](Setting& s) { s.meta_version = 2; }},
      {"MinClientVersion", [](Setting& s) { s.min_client_version = "1.5.0-A"; }},
      {"MinClientVersion", [](Setting& s) { s.min_client_version = "1.4.3"; }},
      {"MinClientVersion", [](Setting& s) { s.min_client_version = "newest"; }},
      {"MaxClientVersion", [](Setting& s) { s.max_client_version = "1.4.1"; }},
      {"MaxClientVersion", [](Setting& s) { s.max_client_version = "1.4.2-rc1"; }},
      {"MaxClientVersion", [](Setting& s) { s.max_client_version = "1.x"; }},
      {"Storage", [](Setting& s) { s.storage = "s3"; }},
      {"Storage", [](Setting& s) { s.storage = ""; }},
      {"BlockSize", [](Setting& s) { s.block_size_kib = 0; }},
      {"BlockSize", [](Setting& s) { s.block_size_kib = 32; }},
      {"BlockSize", [](Setting& s) { s.block_size_kib = 100; }},
      {"BlockSize", [](Setting& s) { s.block_size_kib = 32768; }},
      {"Compression", [](Setting& s) { s.compression = "gzip"; }},
      {"Shards", [](Setting& s) { s.shards = 2; }},
      {"EncryptKey", [](Setting& s) { s.encrypt_key = "secret"; }},
      {"TrashDays", [](Setting& s) { s.trash_days = -1; }},
      {"EnableACL", [](Setting& s) { s.enable_acl = true; }},
      {"UserGroupQuota", [](Setting& s) { s.user_group_quota = true; }},
      {"ChangeLog", [](Setting& s) { s.change_log = true; }},
  };
  for (const Case& c : cases) {
    Setting s = served();
    c.change(s);
    auto result = check_supported(s);
    ASSERT_FALSE(result) << c.field;
    EXPECT_EQ(result.error().fault, Fault::kConfig);
    EXPECT_THAT(result.error().text, HasSubstr(c.field));
    EXPECT_THAT(result.error().text, testing::Not(HasSubstr("secret")));
  }
}

TEST(CompareVersions, FollowsTheRulesOfTheVersionWindow) {
  // Each is less than the next.
  const char* const ascending[] = {"1.0.9",      "1.1.0-A",     "1.1.0-alpha", "1.1.0-rc1",
                                   "1.1.0",      "1.1.1-beta",  "1.1.1",       "1.2.0-A",
                                   "1.2",        "1.4.2-dev",   "1.4.2",       "1.10.0",
                                   "2.0.0-A",    "2",           "10.0.0"};
  for (size_t i = 0; i < std::size(ascending); ++i)
    for (size_t j = 0; j < std::size(ascending); ++j)
      EXPECT_EQ(compare_versions(ascending[i], ascending[j]), i < j ? -1 : i > j ? 1 : 0)
          << ascending[i] << " " << ascending[j];
  EXPECT_EQ(compare_versions("1.4.2+2026-10-26.pypi", "1.4.2"), 0);
  EXPECT_EQ(compare_versions("1.4", "1.4.0"), 0);
  EXPECT_EQ(compare_versions("v1.4.0", "1.4.0"), 0);
  EXPECT_EQ(compare_versions("garbage", "0.0.0-A"), -1);
  for (const char* none : {"", "1.2.3.4", "1.4.2-", "1..2", "-A", "1.x", "4294967296"})
    EXPECT_EQ(compare_versions(none, "garbage"), 0) << none;
}

}  // namespace
}  // namespace fastmeta::model
