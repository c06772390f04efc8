// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/units.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fastmeta::config {
namespace {

constexpr int64_t kMax = INT64_MAX;

TEST(Sizes, AreReadWithPowersOf1024) {
  struct Case {
    const char* text;
    std::optional<int64_t> bytes;
  };
  const Case cases[] = {
      {"0", 0},
      {"1", 1},
      {"4096", 4096},
      {"7B", 7},
      {"1K", 1024},
      {"1k", 1024},
      {"1KiB", 1024},
      {"64MiB", 64 << 20},
      {"64mib", 64 << 20},
      {"4M", 4 << 20},
      {"1GiB", 1 << 30},
      {"2T", int64_t{2} << 40},
      {"9223372036854775807", kMax},
      {"8388607T", int64_t{8388607} << 40},
      {"8388608T", std::nullopt},  // 2^63
      {"9223372036854775808", std::nullopt},
      {"", std::nullopt},
      {"M", std::nullopt},
      {"64MB", std::nullopt},  // a million or 2^20
      {"64 MiB", std::nullopt},
      {"1.5G", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
      {"0x10", std::nullopt},
      {"1P", std::nullopt},
      {"1MiBx", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_size(c.text), c.bytes) << c.text;
}

TEST(Durations, NeedAUnitUnlessTheyAreZero) {
  struct Case {
    const char* text;
    std::optional<int64_t> ms;
  };
  const Case cases[] = {
      {"0", 0},
      {"0s", 0},
      {"500ms", 500},
      {"10s", 10'000},
      {"2m", 120'000},
      {"1h", 3'600'000},
      {"9223372036854775807ms", kMax},
      {"9223372036854775807s", std::nullopt},
      {"10", std::nullopt},
      {"10 s", std::nullopt},
      {"1.5s", std::nullopt},
      {"1m30s", std::nullopt},
      {"10S", std::nullopt},
      {"1M", std::nullopt},
      {"1d", std::nullopt},
      {"-1s", std::nullopt},
      {"s", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_duration(c.text), c.ms) << c.text;
}

TEST(Units, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(268435456), "256MiB");
  EXPECT_EQ(format_size(1000), "1000");
  EXPECT_EQ(format_duration(0), "0");
  EXPECT_EQ(format_duration(1500), "1500ms");
  EXPECT_EQ(format_duration(90'000), "90s");
  EXPECT_EQ(format_duration(3'600'000), "1h");
  for (int64_t value = 1; value > 0 && value < kMax / 7; value = value * 7 + 3) {
    EXPECT_EQ(parse_size(format_size(value)), value);
    EXPECT_EQ(parse_duration(format_duration(value)), value);
  }
}

TEST(Booleans, AreTrueOrFalseOnly) {
  EXPECT_EQ(parse_bool("true"), true);
  EXPECT_EQ(parse_bool("False"), false);
  for (const char* text : {"", "yes", "no", "on", "1", "0", "truee"})
    EXPECT_EQ(parse_bool(text), std::nullopt) << text;
}

const std::vector<std::string> kSchemes = {"redis", "rediss", "unix"};

TEST(Urls, OfEveryFormOfTheStandardClientPass) {
  for (const char* url : {"redis://127.0.0.1:6379/1", "redis://localhost", "redis://h/1",
                          "redis://:pass@h:6379/1", "redis://user:p%40ss@h/1?fast-meta=1",
                          "127.0.0.1:6379/1", "localhost", "redis://[::1]:6379/1", "redis://[::1]",
                          "unix:///var/run/redis.sock?db=2", "unix://user:pw@/run/r.sock",
                          "rediss://h:6380/0", "redis://master,h1,h2:26379/1",
                          "redis://u:p@ss@h/1"})
    EXPECT_EQ(url_problem(url, kSchemes), std::nullopt) << url;
}

TEST(Urls, ThatCannotBeAreRefusedWithoutShowingThem) {
  struct Case {
    const char* url;
    const char* problem;
  };
  const char* const port =
      "its port is not a number from 1 to 65535 (in a password '/', '?', '#' and '%' are written "
      "as %2F, %3F, %23 and %25)";
  const Case cases[] = {
      {"mysql://h/1", "its scheme is not known"},
      {"://h", "its scheme is not known"},
      {"", "the host is missing"},
      {"redis://", "the host is missing"},
      {"redis:///1", "the host is missing"},
      {"redis://u:p@/1", "the host is missing"},
      {"redis://@", "the host is missing"},
      {"redis://h:port/1", port},
      {"redis://h:0/1", port},
      {"redis://h:65536", port},
      {"redis://h:/1", port},
      {"redis://:pa/ss@", "the host is missing"},
      {"redis://h%zz", "'%' is not followed by two hexadecimal digits"},
      {"redis://h%4", "'%' is not followed by two hexadecimal digits"},
      {"redis://a b", "a URL has no spaces and no control characters"},
      {"unix://", "the path of the socket is missing"},
      {"unix://?db=1", "the path of the socket is missing"},
  };
  for (const Case& c : cases) EXPECT_EQ(url_problem(c.url, kSchemes), c.problem) << c.url;
}

TEST(Urls, ArePrintedWithoutTheirPassword) {
  EXPECT_EQ(mask_url("redis://:secret@h:1/1"), "redis://:***@h:1/1");
  EXPECT_EQ(mask_url("redis://u:se:cr@et@h/1?a=b@c:d"), "redis://u:***@h/1?a=b@c:d");
  EXPECT_EQ(mask_url("u:secret@h"), "u:***@h");
  EXPECT_EQ(mask_url("unix://u:secret@/run/r.sock?db=1"), "unix://u:***@/run/r.sock?db=1");
  EXPECT_EQ(mask_url("redis://h:6379/1"), "redis://h:6379/1");
  EXPECT_EQ(mask_url("redis://user@h:6379/1"), "redis://user@h:6379/1");
  EXPECT_EQ(mask_url(""), "");
}

TEST(Urls, GiveTheLastValueOfAParameter) {
  EXPECT_EQ(url_parameter("redis://h/1?fast-meta=1", "fast-meta"), "1");
  EXPECT_EQ(url_parameter("redis://h/1?a=b&fast-meta=0&fast-meta=1&c", "fast-meta"), "1");
  EXPECT_EQ(url_parameter("redis://h/1?fast-meta", "fast-meta"), "");
  EXPECT_EQ(url_parameter("redis://h/1?no-fast-meta=1", "fast-meta"), std::nullopt);
  EXPECT_EQ(url_parameter("redis://h/1#?x", "fast-meta"), std::nullopt);
  EXPECT_EQ(url_parameter("redis://h/1", "fast-meta"), std::nullopt);
  EXPECT_EQ(url_parameter("redis://h/1?&&=&", "fast-meta"), std::nullopt);
}

}  // namespace
}  // namespace fastmeta::config
