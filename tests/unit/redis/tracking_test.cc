// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <thread>

#include "client_fixture.h"
#include "support/scripted_server.h"

namespace fastmeta::redis {
namespace {

TEST(RedisTracking, TellsOfKeysWithATrackedPrefixAlsoWhenIdle) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  RunningClient other(options_for(server.url()));
  ASSERT_TRUE(other->write_one({"SET", "x1", "not tracked"}));
  ASSERT_TRUE(other->write_one({"SET", "i1", "a"}));
  ASSERT_TRUE(other->write_one({"HSET", "d1", "f", "v"}));
  EXPECT_TRUE(client.events.wait_for("key d1"));
  EXPECT_TRUE(client.events.wait_for("key i1"));
  EXPECT_EQ(client.events.count("key x1"), 0u);
}

TEST(RedisTracking, TellsOfOwnWritesOnPooledConnectionsOnly) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_TRUE(client->read_one({"SET", "i1", "by the tracking connection itself"}));
  ASSERT_TRUE(client->write_one({"SET", "i2", "by another connection of ours"}));
  EXPECT_TRUE(client.events.wait_for("key i2"));
  EXPECT_EQ(client.events.count("key i1"), 0u);
}

TEST(RedisTracking, TellsOfAFlush) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_TRUE(client->write_one({"SET", "x", "1"}));
  server.ask("FLUSHALL");
  EXPECT_TRUE(client.events.wait_for("flush"));
}

TEST(RedisTracking, IsOffWhenNotWanted) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.tracking = false;
  RunningClient client(options);
  ASSERT_TRUE(client->write_one({"SET", "i1", "a"}));
  ASSERT_TRUE(client->read_one({"GET", "i1"}));
  std::this_thread::sleep_for(50ms);
  EXPECT_THAT(client.events.all(), testing::ElementsAre("ready"));
}

// A cache fill that saw no invalidation before its reply may keep the value: the
// hook must have returned before the reply that came behind the push is seen.
TEST(RedisTracking, RunsTheHookBeforeRepliesThatCameBehindThePush) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words& command) {
    if (command[0] != "GET") return std::optional(test::ScriptedServer::usual(command));
    std::string push = ">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\ni1\r\n$2\r\nd1\r\n";
    return std::optional(push + "$1\r\nv\r\n");
  });
  auto options = options_for(server.url());
  options.ping_interval = 10s;
  auto client = Client::open(options, Log());
  ASSERT_TRUE(client);
  std::atomic<int> told{0};
  ClientHooks hooks;
  hooks.on_invalidate = [&](std::span<const std::string> keys) {
    std::this_thread::sleep_for(20ms);  // long enough to be overtaken
    told += static_cast<int>(keys.size());
  };
  ASSERT_TRUE((*client)->start(hooks));
  for (int i = 1; i <= 10; ++i) {
    ASSERT_EQ(text_of((*client)->read_one({"GET", "i1"})), "v");
    ASSERT_EQ(told, 2 * i);
  }
  (*client)->stop();
}

TEST(RedisTracking, DoesNotHoldBackRepliesInFrontOfAPush) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words& command) {
    if (command[0] != "GET") return std::optional(test::ScriptedServer::usual(command));
    return std::optional<std::string>("$1\r\nv\r\n>2\r\n$10\r\ninvalidate\r\n_\r\n");
  });
  auto options = options_for(server.url());
  options.ping_interval = 10s;
  auto client = Client::open(options, Log());
  ASSERT_TRUE(client);
  std::atomic<bool> may_go_on{false};
  ClientHooks hooks;
  hooks.on_flush = [&] {
    while (!may_go_on) std::this_thread::sleep_for(1ms);
  };
  ASSERT_TRUE((*client)->start(hooks));
  EXPECT_EQ(text_of((*client)->read_one({"GET", "i1"})), "v");  // while the hook waits
  may_go_on = true;
  (*client)->stop();
}

TEST(RedisTracking, TakesPushesThatCameWithTheGreeting) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words& command) {
    if (command[0] != "CLIENT") return std::optional(test::ScriptedServer::usual(command));
    return std::optional<std::string>("+OK\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$2\r\ni9\r\n");
  });
  RunningClient client(options_for(server.url()));
  EXPECT_TRUE(client.events.wait_for("key i9"));
  EXPECT_THAT(client.events.all(), testing::ElementsAre("ready", "key i9"));
}

TEST(RedisTracking, TreatsMalformedPushesAsALostConnection) {
  for (const char* push : {">0\r\n", ">1\r\n$10\r\ninvalidate\r\n",
                           ">2\r\n$10\r\ninvalidate\r\n:1\r\n",
                           ">2\r\n$10\r\ninvalidate\r\n*1\r\n:1\r\n", ">1\r\n:1\r\n"}) {
    test::ScriptedServer server([&](size_t n, const test::ScriptedServer::Words& command) {
      auto usual = test::ScriptedServer::usual(command);
      bool first_tracking = command[0] == "CLIENT" && n == 1;
      return std::optional(first_tracking ? usual + push : usual);
    });
    RunningClient client(options_for(server.url()));
    EXPECT_TRUE(client.events.wait_for("ready", 2)) << push;
    EXPECT_THAT(client.events.all(), testing::ElementsAre("ready", "lost", "ready")) << push;
  }
}

TEST(RedisTracking, IgnoresPushesOfOtherNames) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words& command) {
    auto usual = test::ScriptedServer::usual(command);
    return std::optional(command[0] == "GET" ? ">2\r\n+message\r\n+x\r\n" + usual : usual);
  });
  RunningClient client(options_for(server.url()));
  EXPECT_EQ(text_of(client->read_one({"GET", "i1"})), "(nil)");
  EXPECT_THAT(client.events.all(), testing::ElementsAre("ready"));
}

// The writer counts up; a reader that has seen n must have been told of at least
// n - 1 changes, as Redis sends the push of a change before later replies.
TEST(RedisTracking, TellsOfEveryChangeWhileOthersRead) {
  test::RedisServer server;
  auto options = options_for(server.url());
  auto opened = Client::open(options, Log());
  ASSERT_TRUE(opened);
  Client& client = **opened;
  std::atomic<long> told{0};
  ClientHooks hooks;
  hooks.on_invalidate = [&](std::span<const std::string>) { ++told; };
  ASSERT_TRUE(client.start(hooks));
  RunningClient writer(options_for(server.url()));
  std::atomic<bool> done{false};
  std::thread writes([&] {
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(writer->write_one({"INCR", "i1"}));
    done = true;
  });
  while (!done) {
    auto reply = client.read_one({"GET", "i1"});
    ASSERT_TRUE(reply);
    long seen = reply->nil() ? 0 : std::stol(reply->text);
    ASSERT_GE(told, seen - 1);
  }
  writes.join();
  client.stop();
}

}  // namespace
}  // namespace fastmeta::redis
