// SPDX-License-Identifier: GPL-3.0-or-later
#include <errno.h>

#include <thread>

#include "client_fixture.h"

namespace fastmeta::redis {
namespace {

TEST(RedisClient, ReadsWhatItWrote) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  EXPECT_EQ(text_of(client->write_one({"SET", "a", std::string("x\0\r\ny", 5)})), "OK");
  EXPECT_EQ(text_of(client->read_one({"GET", "a"})), std::string("x\0\r\ny", 5));
  EXPECT_EQ(text_of(client->read_one({"GET", "absent"})), "(nil)");
  EXPECT_TRUE(client->connected());
  EXPECT_EQ(client->epoch(), 1u);
  EXPECT_EQ(client->key_prefix(), "");
  EXPECT_THAT(client.events.all(), testing::ElementsAre("ready"));
}

TEST(RedisClient, ReadsBeforeItIsStarted) {
  test::RedisServer server;
  auto client = Client::open(options_for(server.url()), Log());
  ASSERT_TRUE(client);
  EXPECT_EQ(text_of((*client)->write_one({"SET", "a", "1"})), "OK");
  EXPECT_EQ(text_of((*client)->read_one({"GET", "a"})), "1");
  EXPECT_EQ((*client)->epoch(), 0u);
}

TEST(RedisClient, TellsWhatTheServerSaysOfItself) {
  test::RedisServer server({"--maxmemory-policy", "allkeys-lru", "--appendonly", "yes"});
  RunningClient client(options_for(server.url()));
  EXPECT_FALSE(client->server().version.empty());
  EXPECT_EQ(client->server().eviction_policy, "allkeys-lru");
  EXPECT_TRUE(client->server().eviction_possible);
  EXPECT_TRUE(client->server().aof);
  EXPECT_FALSE(client->server().cluster);
  EXPECT_EQ(client->server().run_id.size(), 40u);
}

TEST(RedisClient, SelectsTheDatabase) {
  test::RedisServer server;
  RunningClient zero(options_for(server.url(0)));
  RunningClient three(options_for(server.url(3)));
  EXPECT_EQ(text_of(three->write_one({"SET", "a", "in three"})), "OK");
  EXPECT_EQ(text_of(three->read_one({"GET", "a"})), "in three");
  EXPECT_EQ(text_of(zero->read_one({"GET", "a"})), "(nil)");
}

TEST(RedisClient, WorksOverAUnixSocket) {
  test::RedisServer server;
  RunningClient client(options_for("unix://" + server.socket_path() + "?db=2"));
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
  EXPECT_EQ(text_of(client->read_one({"GET", "a"})), "1");
}

TEST(RedisClient, ResolvesNames) {
  test::RedisServer server;
  RunningClient client(options_for("localhost:" + std::to_string(server.port())));
  EXPECT_EQ(text_of(client->read_one({"PING"})), "PONG");
}

TEST(RedisClient, KeepsCommandsOfOneCallInOrder) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  std::vector<Command> commands;
  for (int i = 0; i < 5000; ++i) commands.push_back({"ECHO", std::to_string(i)});
  auto replies = client->read(commands, client->deadline());
  ASSERT_TRUE(replies);
  ASSERT_EQ(replies->size(), 5000u);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ((*replies)[i].text, std::to_string(i));
}

TEST(RedisClient, CarriesManyMegabytesEachWay) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  std::string big(20 << 20, 'x');
  EXPECT_EQ(text_of(client->write_one({"SET", "big", big})), "OK");
  // Both directions at once: the requests fill the socket while replies come.
  std::vector<Command> commands(3, Command{"ECHO", big});
  auto replies = client->read(commands, client->deadline());
  ASSERT_TRUE(replies) << replies.error().text;
  for (const Reply& reply : *replies) EXPECT_TRUE(reply.text == big);
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  auto same = lease->roundtrip(commands, client->deadline());
  ASSERT_TRUE(same) << same.error().text;
  EXPECT_TRUE(same->back().text == big);
}

TEST(RedisClient, AnswersEachOfManyThreadsItsOwn) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        std::string id = std::to_string(t) + "." + std::to_string(i);
        std::vector<Command> commands{{"ECHO", id}, {"ECHO", id + "b"}};
        auto replies = client->read(commands, client->deadline());
        if (!replies || (*replies)[0].text != id || (*replies)[1].text != id + "b") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(RedisClient, DropsAReplyThatComesAfterItsDeadline) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  for (int i = 0; i < 5; ++i) {
    server.freeze();
    std::vector<Command> late{{"ECHO", "late"}, {"ECHO", std::string(100000, 'x')}};
    auto none = client->read(late, deadline_in(20ms));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().fault, Fault::kUnreachable);
    EXPECT_EQ(none.error().code, EIO);
    server.thaw();
    ASSERT_EQ(text_of(client->read_one({"ECHO", "in time"})), "in time");
  }
  EXPECT_EQ(client->epoch(), 1u);
}

TEST(RedisClient, PassesErrorRepliesOn) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
  auto reply = client->read_one({"HGETALL", "a"});
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->is_error());
  Error error = refused(*reply, "HGETALL");
  EXPECT_EQ(error.fault, Fault::kRefused);
  EXPECT_EQ(error.code, EIO);
  EXPECT_THAT(error.text, testing::AllOf(testing::HasSubstr("HGETALL"),
                                         testing::HasSubstr("WRONGTYPE")));
}

TEST(RedisClient, ReadsMapsAndSetsAsLists) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_TRUE(client->write_one({"HSET", "h", "k", "v"}));
  auto reply = client->read_one({"HGETALL", "h"});
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->items.size(), 2u);
  EXPECT_EQ(reply->items[0].text, "k");
  EXPECT_EQ(reply->items[1].text, "v");
}

TEST(RedisClient, EndsEveryWaitWhenStopped) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.command_deadline = 60s;
  options.pool_max = 1;
  RunningClient client(options);
  auto held = client->lease(client->deadline());
  ASSERT_TRUE(held);
  server.freeze();
  auto begin = Clock::now();
  std::vector<std::thread> threads;
  std::atomic<int> read_ended{0}, lease_ended{0}, roundtrip_ended{0};
  threads.emplace_back([&] {
    auto reply = client->read_one({"GET", "a"});
    if (!reply && reply.error().fault == Fault::kDisconnected) ++read_ended;
  });
  threads.emplace_back([&] {
    auto lease = client->lease(client->deadline());
    if (!lease && lease.error().fault == Fault::kDisconnected) ++lease_ended;
  });
  threads.emplace_back([&] {
    std::vector<Command> one{{"GET", "a"}};
    auto replies = held->roundtrip(one, client->deadline());
    // It was sent: what became of it is unknown.
    if (!replies && replies.error().fault == Fault::kUnreachable) ++roundtrip_ended;
  });
  std::this_thread::sleep_for(100ms);
  client->stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read_ended, 1);
  EXPECT_EQ(lease_ended, 1);
  EXPECT_EQ(roundtrip_ended, 1);
  EXPECT_LT(Clock::now() - begin, 5s);
  auto after = client->read_one({"GET", "a"});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().fault, Fault::kDisconnected);
  EXPECT_FALSE(client->lease(client->deadline()));
  server.thaw();
}

}  // namespace
}  // namespace fastmeta::redis
