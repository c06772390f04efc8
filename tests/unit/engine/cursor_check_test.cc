// SPDX-License-Identifier: GPL-3.0-or-later
// What the server's record of this client may say, and what is not believed.
#include "engine/fastmeta/cursor_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/lone_parts.h"

namespace fastmeta::engine {
namespace {

using testing::HasSubstr;

struct CursorChecks : testing::Test {
  CursorFound compare(const std::string& value, bool after_a_crash) {
    const Identity identity{"c1", 7, 1};
    Progress progress;
    progress.low = progress.highest_seq = 10;
    auto found =
        CursorCheck(lone.parts, identity).compare(value, progress, 10, after_a_crash);
    EXPECT_TRUE(found);
    return found ? std::move(*found) : CursorFound{};
  }
  test::LoneParts lone;
};

TEST_F(CursorChecks, AServerKnowsNumbersThatAPowerLossHasTaken) {
  EXPECT_EQ(compare("2 7 1 500", true).refusal, "");
  EXPECT_EQ(compare("2 7 1 500", true).cursor.highest(), 500u);
  EXPECT_THAT(compare("2 7 1 500", false).refusal, HasSubstr("copy of this cache directory"));
}

// The next record would be number 0, which counts as applied; or a thousand billion numbers
// would be counted one by one.
TEST_F(CursorChecks, NumbersThatThisClientCannotHaveComeToAreDamage) {
  for (const char* value : {"2 7 1 18446744073709551615", "2 7 1 10 18446744073709551615-"
                            "18446744073709551615", "2 7 1 10 1000000000000-1000000000001"})
    EXPECT_THAT(compare(value, true).refusal, HasSubstr("is damaged")) << value;
}

TEST_F(CursorChecks, WhatIsNoCursorIsDamage) {
  for (const char* value : {"", "x", "3 7 1 10", "2 7 0 10", "2 7 1 10 11-12", "2 7 1 10 "})
    EXPECT_THAT(compare(value, true).refusal, HasSubstr("is damaged")) << value;
}

}  // namespace
}  // namespace fastmeta::engine
