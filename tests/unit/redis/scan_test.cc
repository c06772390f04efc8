// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/scan.h"

#include <set>

#include "client_fixture.h"

namespace fastmeta::redis {
namespace {

constexpr size_t kFields = 20'000;

// Page by page; `between` is called after the first.
std::set<std::string> names_of(Client& client, const std::function<void()>& between) {
  std::set<std::string> found;
  Scan scan(client, {"HSCAN", "h", "0", "COUNT", "5000"}, 2);
  for (int pages = 0; !scan.done(); ++pages) {
    if (pages == 1) between();
    auto page = scan.next();
    if (!page) {
      ADD_FAILURE() << page.error().text;
      return found;
    }
    for (size_t i = 0; i < page->size(); i += 2) found.insert((*page)[i].text);
  }
  return found;
}

TEST(RedisScan, LeavesNothingOutWhenTheServerIsStartedAnewMeanwhile) {
  test::RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  RunningClient client(options_for(server.url()));
  ASSERT_EQ(text_of(client->write_one(
                {"EVAL", "for n = 1, tonumber(ARGV[1]) do redis.call('HSET', KEYS[1], n, n) end "
                         "return 'done'",
                 "1", "h", std::to_string(kFields)})),
            "done");
  EXPECT_EQ(names_of(*client.client, [] {}).size(), kFields);
  // Another process, another hash seed: the order is a different one.
  const auto found = names_of(*client.client, [&] {
    server.kill();
    ASSERT_TRUE(client.events.wait_for("lost"));
    server.start();
    ASSERT_TRUE(client.events.wait_for("ready", 2));
  });
  EXPECT_EQ(found.size(), kFields);
}

TEST(RedisScan, SaysWhatIsWrongWithTheKey) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_EQ(text_of(client->write_one({"SET", "h", "1"})), "OK");
  Scan scan(*client.client, {"HSCAN", "h", "0"}, 2);
  auto page = scan.next();
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().text, testing::HasSubstr("HSCAN"));
}

}  // namespace
}  // namespace fastmeta::redis
