// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/size.h"

#include <gtest/gtest.h>

namespace fastmeta::host {
namespace {

TEST(Sizes, AreReadInPowersOf1024) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("4M"), 4u << 20);
  EXPECT_EQ(parse_size("4m"), 4u << 20);
  EXPECT_EQ(parse_size("4MiB"), 4u << 20);
  EXPECT_EQ(parse_size("1T"), uint64_t{1} << 40);
  EXPECT_EQ(parse_size("15E"), uint64_t{15} << 60);
}

TEST(Sizes, OtherTextIsNone) {
  for (const char* text :
       {"", "M", "-1", "4MB", "4 M", "4X", "1.5G", "16E", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Sizes, AreWrittenForPeople) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(uint64_t{3} << 30), "3.0 GiB");
}

}  // namespace
}  // namespace fastmeta::host
