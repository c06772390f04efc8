// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"
#include "model/schema/setting.h"

namespace fastmeta::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(std::string_view wanted) {
  auto text = new_setting(wanted, "u");
  if (text) return "accepted: " + *text;
  EXPECT_EQ(text.error().fault, Fault::kConfig);
  return text.error().text;
}

std::string with(const std::string& field) {
  return R"({"Name":"vol","Bucket":"/b",)" + field + "}";
}

TEST(NewSetting, IsWhatTheStandardClientWouldHaveStored) {
  const std::string& plain = golden_key("names", "setting").string;
  const Setting theirs = *parse_setting(plain);
  auto ours = new_setting(R"({"Name":"golden","TrashDays":0,"Bucket":")" + theirs.bucket + "\"}",
                          theirs.uuid);
  ASSERT_TRUE(ours) << ours.error().text;
  EXPECT_EQ(*ours, plain);
}

TEST(NewSetting, IsWhatTheStandardClientWouldHaveStoredWithEveryOption) {
  const std::string& limits = golden_key("limits", "setting").string;
  const Setting theirs = *parse_setting(limits);
  auto ours = new_setting(
      R"({"TrashDays":7,"Inodes":12345,"HashPrefix":true,"Compression":"zstd","BlockSize":256,)"
      R"("Capacity":10737418240,"Storage":"file","Name":"golden","Bucket":")" +
          theirs.bucket + "\"}",
      theirs.uuid);
  ASSERT_TRUE(ours) << ours.error().text;
  EXPECT_EQ(*ours, limits);
}

TEST(NewSetting, CompletesTheBucketAndNormalisesCompression) {
  auto s = parse_setting(*new_setting(with(R"("Compression":"LZ4")"), "u"));
  ASSERT_TRUE(s);
  EXPECT_EQ(s->bucket, "/b/");
  EXPECT_EQ(s->compression, "lz4");
  EXPECT_EQ(s->trash_days, 1);
  EXPECT_EQ(s->block_size_kib, 4096u);
  EXPECT_TRUE(s->dir_stats);
  EXPECT_EQ(parse_setting(*new_setting(with(R"("Compression":"")"), "u"))->compression, "none");
}

TEST(NewSetting, ChecksTheName) {
  for (const std::string& name : {std::string("abc"), std::string("a-b"), std::string("0a1"),
                                  std::string(63, 'x')})
    EXPECT_TRUE(new_setting(R"({"Bucket":"/b","Name":")" + name + "\"}", "u")) << name;
  for (const std::string& name :
       {std::string(""), std::string("ab"), std::string(64, 'x'), std::string("-ab"),
        std::string("ab-"), std::string("Abc"), std::string("a_b"), std::string("a.b"),
        std::string("a/b"), std::string("a b"), std::string("äbc")})
    EXPECT_THAT(refusal(R"({"Bucket":"/b","Name":")" + name + "\"}"),
                AllOf(HasSubstr("Name"), HasSubstr("3 to 63")))
        << name;
  EXPECT_THAT(refusal(R"({"Bucket":"/b"})"), HasSubstr("Name"));
}

TEST(NewSetting, ChecksTheBucket) {
  for (const char* bucket : {"", "b", "./b", "file:///b", "/b\\u0000c"})
    EXPECT_THAT(refusal(R"({"Name":"vol","Bucket":")" + std::string(bucket) + "\"}"),
                HasSubstr("Bucket"))
        << bucket;
  EXPECT_THAT(refusal(R"({"Name":"vol"})"), HasSubstr("Bucket"));
}

TEST(NewSetting, ChecksValues) {
  for (const char* size : {"64", "128", "1024", "16384"})
    EXPECT_TRUE(new_setting(with(R"("BlockSize":)" + std::string(size)), "u")) << size;
  for (const char* size : {"0", "1", "32", "63", "65", "4095", "32768", "4294967360"})
    EXPECT_THAT(refusal(with(R"("BlockSize":)" + std::string(size))), HasSubstr("BlockSize"))
        << size;
  EXPECT_THAT(refusal(with(R"("BlockSize":1000)")), HasSubstr("from 64 to 16384"));
  EXPECT_THAT(refusal(with(R"("Compression":"gzip")")),
              AllOf(HasSubstr("Compression"), HasSubstr("lz4")));
  EXPECT_THAT(refusal(with(R"("Storage":"s3")")), AllOf(HasSubstr("Storage"), HasSubstr("file")));
  EXPECT_THAT(refusal(with(R"("TrashDays":2147483648)")), HasSubstr("TrashDays"));
  EXPECT_THAT(refusal(with(R"("Shards":2)")), HasSubstr("Shards"));
  EXPECT_THAT(refusal(with(R"("EncryptKey":"k")")), HasSubstr("EncryptKey"));
  EXPECT_THAT(refusal(with(R"("EnableACL":true)")), HasSubstr("EnableACL"));
  EXPECT_THAT(refusal(with(R"("UserGroupQuota":true)")), HasSubstr("UserGroupQuota"));
  EXPECT_THAT(refusal(with(R"("ChangeLog":true)")), HasSubstr("ChangeLog"));
  EXPECT_TRUE(new_setting(with(R"("EnableACL":false,"Shards":1,"EncryptKey":"")"), "u"));
  EXPECT_TRUE(new_setting(with(R"("Capacity":18446744073709551615,"Inodes":0)"), "u"));
}

TEST(NewSetting, ChecksTypes) {
  for (const char* field :
       {R"("Name":5)", R"("Bucket":null)", R"("Storage":[])", R"("BlockSize":"4096")",
        R"("BlockSize":-1)", R"("BlockSize":1.0)", R"("Capacity":-1)", R"("Inodes":"7")",
        R"("TrashDays":-1)", R"("TrashDays":0.5)", R"("HashPrefix":1)", R"("DirStats":"no")",
        R"("Compression":{})"}) {
    const std::string name(field + 1, std::string_view(field).find('"', 1) - 1);
    EXPECT_THAT(refusal(with(field)), AllOf(HasSubstr(name), HasSubstr("must be"))) << field;
  }
}

TEST(NewSetting, NamesUnknownFieldsAndTheNearestOne) {
  EXPECT_THAT(refusal(with(R"("TrashDay":1)")), HasSubstr("\"TrashDay\""));
  EXPECT_THAT(refusal(with(R"("TrashDay":1)")), HasSubstr("nearest is TrashDays"));
  EXPECT_THAT(refusal(with(R"("blocksize":64)")), HasSubstr("nearest is BlockSize"));
  EXPECT_THAT(refusal(with(R"("compresion":"lz4")")), HasSubstr("nearest is Compression"));
  EXPECT_THAT(refusal(with("\"" + std::string(100'000, 'x') + "\":1")), HasSubstr("no field"));
  for (const char* field : {"UUID", "Tiers", "MetaVersion", "MinClientVersion", "KeyEncrypted"})
    EXPECT_THAT(refusal(with("\"" + std::string(field) + "\":1")),
                AllOf(HasSubstr(field), HasSubstr("cannot be chosen")));
}

TEST(NewSetting, RefusesWhatIsNoObject) {
  for (const char* text : {"", "[]", "null", "{", "\"Name\"", R"({"Name":"vol"} {})"})
    EXPECT_THAT(refusal(text), HasSubstr("JSON")) << text;
}

}  // namespace
}  // namespace fastmeta::model
