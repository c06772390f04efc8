// SPDX-License-Identifier: GPL-3.0-or-later
#include "util/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fastmeta {
namespace {

TEST(EditDistance, CountsSlipsOfTheFingers) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", "abxc"), 1u);
  EXPECT_EQ(edit_distance("abc", "ac"), 1u);
  EXPECT_EQ(edit_distance("abc", "axc"), 1u);
  EXPECT_EQ(edit_distance("abc", "acb"), 1u);  // neighbours swapped
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(NearestWord, IsGivenOnlyWhenItIsNear) {
  const std::vector<std::string> words = {"cache", "cache.ttl", "mode", "meta"};
  EXPECT_EQ(nearest_word("cahce", words), "cache");
  EXPECT_EQ(nearest_word("cache.tll", words), "cache.ttl");
  EXPECT_EQ(nearest_word("mdoe", words), "mode");
  EXPECT_EQ(nearest_word("xyzzy", words), std::nullopt);
  EXPECT_EQ(nearest_word("", words), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(100'000, 'a'), words), std::nullopt);
}

}  // namespace
}  // namespace fastmeta
