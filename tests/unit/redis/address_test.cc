// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace fastmeta::redis {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Good {
  const char* url;
  const char* host;
  uint16_t port;
  uint32_t db;
  const char* user;
  const char* password;
  const char* display;
};

class GoodTcpAddress : public testing::TestWithParam<Good> {};

TEST_P(GoodTcpAddress, IsReadInAllParts) {
  const Good& want = GetParam();
  auto got = parse_address(want.url);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->form, Address::Form::kTcp);
  EXPECT_EQ(got->host, want.host);
  EXPECT_EQ(got->port, want.port);
  EXPECT_EQ(got->db, want.db);
  EXPECT_EQ(got->user, want.user);
  EXPECT_EQ(got->password, want.password);
  EXPECT_EQ(got->display(), want.display);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, GoodTcpAddress,
    testing::Values(
        Good{"redis://localhost", "localhost", 6379, 0, "", "", "redis://localhost:6379/0"},
        Good{"redis://localhost/", "localhost", 6379, 0, "", "", "redis://localhost:6379/0"},
        Good{"redis://h:7000/3", "h", 7000, 3, "", "", "redis://h:7000/3"},
        Good{"redis://h/15/", "h", 6379, 15, "", "", "redis://h:6379/15"},
        Good{"REDIS://h/1", "h", 6379, 1, "", "", "redis://h:6379/1"},
        Good{"h", "h", 6379, 0, "", "", "redis://h:6379/0"},
        Good{"h:1/2", "h", 1, 2, "", "", "redis://h:1/2"},
        Good{":7000/2", "localhost", 7000, 2, "", "", "redis://localhost:7000/2"},
        Good{"redis://:pw@h", "h", 6379, 0, "", "pw", "redis://h:6379/0"},
        Good{"redis://u:pw@h", "h", 6379, 0, "u", "pw", "redis://u@h:6379/0"},
        Good{"redis://u@h", "h", 6379, 0, "u", "", "redis://u@h:6379/0"},
        Good{":pw@h:7000/1", "h", 7000, 1, "", "pw", "redis://h:7000/1"},
        Good{"redis://u:p%40s%3A%2F%25@h", "h", 6379, 0, "u", "p@s:/%", "redis://u@h:6379/0"},
        Good{"redis://u:p@w@h", "h", 6379, 0, "u", "p@w", "redis://u@h:6379/0"},
        Good{"redis://u:a:b@h", "h", 6379, 0, "u", "a:b", "redis://u@h:6379/0"},
        Good{"redis://a%0Ab:pw@h", "h", 6379, 0, "a\nb", "pw", "redis://a%0Ab@h:6379/0"},
        Good{"redis://[::1]", "::1", 6379, 0, "", "", "redis://[::1]:6379/0"},
        Good{"redis://:x@[fe80::1]:7/4", "fe80::1", 7, 4, "", "x", "redis://[fe80::1]:7/4"},
        Good{"redis://h?db=5", "h", 6379, 5, "", "", "redis://h:6379/5"},
        Good{"redis://u:p@h/1?read-timeout=3s&x=@", "h", 6379, 1, "u", "p",
             "redis://u@h:6379/1"}));

struct Bad {
  const char* url;
  const char* says;
};

class BadAddress : public testing::TestWithParam<Bad> {};

TEST_P(BadAddress, IsRefusedSayingWhyWithoutThePassword) {
  auto got = parse_address(GetParam().url);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().fault, Fault::kConfig);
  EXPECT_GT(got.error().code, 0);
  EXPECT_THAT(got.error().text, HasSubstr(GetParam().says));
  EXPECT_THAT(got.error().text, Not(HasSubstr("s3cret")));
  EXPECT_THAT(got.error().text, Not(HasSubstr("s3c")));
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BadAddress,
    testing::Values(
        Bad{"", "names no server"},
        Bad{"redis://", "names no server"},
        Bad{"mysql://u:s3cret@h/x", "redis:// and unix://"},
        Bad{"s3cret://h", "redis:// and unix://"},
        Bad{"rediss://u:s3cret@h/1", "TLS"},
        Bad{"redis://u:s3cret@master,h1,h2:26379/1", "Sentinel"},
        Bad{"redis://master,h1/1", "Sentinel"},
        Bad{"redis://:s3cret@h1:7000,h2:7000/1", "Cluster"},
        Bad{"redis://h:0", "port"},
        Bad{"redis://h:65536", "port"},
        Bad{"redis://h:s3cret", "port"},
        Bad{"redis://h:-1", "port"},
        Bad{"redis://h:1:2", "IPv6"},
        Bad{"redis://[::1", "]"},
        Bad{"redis://[::1]7", "]"},
        Bad{"redis://[h]", "IPv6"},
        Bad{"redis://[[::1]", "IPv6"},
        Bad{"redis://h]:1", "IPv6"},
        Bad{"redis://h/s3cret", "database"},
        Bad{"redis://h/1/2", "database"},
        Bad{"redis://h/-1", "database"},
        Bad{"redis://h/4294967296", "database"},
        Bad{"redis://h?db=x", "database"},
        Bad{"redis://h/1?x=%zz", "%"},
        Bad{"redis://u:s3cret%4@h", "%25"},
        Bad{"redis://u:s3cret%zz@h", "%25"},
        Bad{"redis://u:s3/cret@h", "%2F"},
        Bad{"redis://u:7000/s3cret@h/1", "%2F"},
        Bad{"redis://u:7000?s3cret@h/1", "%3F"},
        Bad{"redis://u:s3#cret@h", "%23"},
        Bad{"redis://u:s3 cret@h", "%20"},
        Bad{"redis://u:s3\ncret@h", "control"},
        Bad{"unix://", "names no server"},
        Bad{"unix://relative/path", "absolute"},
        Bad{"unix://u:s3cret@relative", "absolute"},
        Bad{"unix:///tmp/s%zz", "path"},
        Bad{"unix:///tmp/s%00x", "path"}));

TEST(Address, ReadsUnixSockets) {
  auto plain = parse_address("unix:///run/redis.sock");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->form, Address::Form::kUnix);
  EXPECT_EQ(plain->path, "/run/redis.sock");
  EXPECT_EQ(plain->db, 0u);

  auto full = parse_address("unix://u:p%2Fw@/run/a%20b?db=7&fast-meta=1");
  ASSERT_TRUE(full) << full.error().text;
  EXPECT_EQ(full->path, "/run/a b");
  EXPECT_EQ(full->user, "u");
  EXPECT_EQ(full->password, "p/w");
  EXPECT_EQ(full->db, 7u);
  EXPECT_EQ(full->display(), "unix://u@/run/a b?db=7");
}

TEST(Address, RefusesASocketPathThatTheSystemCannotHold) {
  EXPECT_TRUE(parse_address("unix:///" + std::string(106, 'x')));
  EXPECT_FALSE(parse_address("unix:///" + std::string(107, 'x')));
}

TEST(Address, KeepsParametersForOthers) {
  auto got = parse_address("redis://h/1?fast-meta=1&read-timeout=30s&a=b%26c+d&&flag");
  ASSERT_TRUE(got);
  using Pair = std::pair<const std::string, std::string>;
  EXPECT_THAT(got->query,
              testing::ElementsAre(Pair{"a", "b&c d"}, Pair{"fast-meta", "1"}, Pair{"flag", ""},
                                   Pair{"read-timeout", "30s"}));
}

class Password : public testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }
  static void clear() {
    for (const char* name : {"REDIS_PASSWORD", "META_PASSWORD", "META_PASSWORD_FILE"})
      ::unsetenv(name);
  }
  static std::string write_file(const std::string& text) {
    auto path = std::filesystem::path(testing::TempDir()) / "fastmeta-password";
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  static std::string found(const char* url = "redis://h") {
    auto address = parse_address(url);
    auto got = find_password(*address);
    return got ? *got : "error: " + got.error().text;
  }
};

TEST_F(Password, OfTheUrlComesFirstThenRedisThenMetaThenTheFile) {
  EXPECT_EQ(found(), "");
  ::setenv("META_PASSWORD_FILE", write_file(" \n in file\t\r\n").c_str(), 1);
  EXPECT_EQ(found(), "in file");
  ::setenv("META_PASSWORD", "meta", 1);
  EXPECT_EQ(found(), "meta");
  ::setenv("REDIS_PASSWORD", "redis", 1);
  EXPECT_EQ(found(), "redis");
  EXPECT_EQ(found("redis://:url@h"), "url");
}

TEST_F(Password, SkipsEmptyOnes) {
  ::setenv("REDIS_PASSWORD", "", 1);
  ::setenv("META_PASSWORD", "meta", 1);
  EXPECT_EQ(found(), "meta");
  ::setenv("META_PASSWORD", "", 1);
  ::setenv("META_PASSWORD_FILE", write_file(" \n").c_str(), 1);
  EXPECT_EQ(found(), "");
}

TEST_F(Password, NamesAFileThatCannotBeRead) {
  ::setenv("META_PASSWORD_FILE", "/nonexistent/password", 1);
  EXPECT_THAT(found(), testing::AllOf(HasSubstr("/nonexistent/password"),
                                      HasSubstr("No such file")));
  ::setenv("META_PASSWORD_FILE", "/", 1);
  EXPECT_THAT(found(), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace fastmeta::redis
