// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastmeta::redis {
namespace {

Reply status(const char* text) { return {Reply::Kind::kStatus, text, 0, {}}; }
Reply error(const char* text) { return {Reply::Kind::kError, text, 0, {}}; }
Reply array(std::vector<Reply> items) { return {Reply::Kind::kArray, {}, 0, std::move(items)}; }

TEST(RedisReply, ATransactionIsAppliedWhenEachOfItsCommandsIs) {
  const Reply ok = status("OK"), queued = status("QUEUED"), wrong = error("WRONGTYPE of a");
  const auto applied = [](std::vector<Reply> replies) { return expect_applied(replies, "it"); };
  EXPECT_TRUE(applied({ok, queued, queued, array({ok, ok})}));
  EXPECT_TRUE(applied({ok, queued, Reply{}})) << "a lost race is no error";
  EXPECT_FALSE(applied({ok, error("OOM"), error("EXECABORT")}));
  const auto half = applied({ok, queued, queued, array({ok, wrong})});
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().text, testing::HasSubstr("WRONGTYPE"));
}

}  // namespace
}  // namespace fastmeta::redis
