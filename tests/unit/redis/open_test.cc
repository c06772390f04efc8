// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "client_fixture.h"
#include "redis/server_info.h"
#include "support/fault_proxy.h"
#include "support/local_socket.h"
#include "support/scripted_server.h"

namespace fastmeta::redis {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The error of an open that must fail, within its time.
Error open_error(const ClientOptions& options) {
  auto begin = Clock::now();
  auto client = Client::open(options, Log());
  EXPECT_LT(Clock::now() - begin, options.connect_timeout + 2s);
  if (client) {
    ADD_FAILURE() << "opened";
    return {};
  }
  EXPECT_GT(client.error().code, 0);
  EXPECT_THAT(client.error().text, Not(HasSubstr("s3cret")));
  return client.error();
}

TEST(RedisOpen, SaysThatNobodyListens) {
  Error error = open_error(options_for("redis://127.0.0.1:" + std::to_string(test::free_port())));
  EXPECT_EQ(error.fault, Fault::kDisconnected);
  EXPECT_THAT(error.text, AllOf(HasSubstr("cannot connect"), HasSubstr("refused")));
  error = open_error(options_for("unix:///nonexistent/socket"));
  EXPECT_EQ(error.fault, Fault::kDisconnected);
  EXPECT_THAT(error.text, HasSubstr("No such file"));
}

TEST(RedisOpen, GivesUpOnAListenerThatNeverAnswers) {
  uint16_t port = 0;
  int listener = test::listen_local(port);
  auto options = options_for("redis://127.0.0.1:" + std::to_string(port));
  options.connect_timeout = 200ms;
  auto begin = Clock::now();
  Error error = open_error(options);
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_EQ(error.fault, Fault::kDisconnected);
  ::close(listener);
}

TEST(RedisOpen, SaysThatANameIsUnknown) {
  Error error = open_error(options_for("redis://no-such-host.invalid"));
  EXPECT_EQ(error.fault, Fault::kDisconnected);
  EXPECT_THAT(error.text, HasSubstr("no-such-host.invalid"));
}

TEST(RedisOpen, SaysThatAPasswordIsWantedOrWrong) {
  test::RedisServer server({"--requirepass", "right"});
  auto none = options_for(server.url());
  Error error = open_error(none);
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("wants a password"));

  auto wrong = options_for("redis://:s3cret@" + server.host_port());
  error = open_error(wrong);
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, AllOf(HasSubstr("wrong password"), HasSubstr("default")));

  auto unknown = options_for("redis://alice:s3cret@" + server.host_port());
  error = open_error(unknown);
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, AllOf(HasSubstr("wrong password"), HasSubstr("alice")));

  RunningClient client(options_for("redis://:right@" + server.host_port()));
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
}

TEST(RedisOpen, TakesThePasswordOfTheEnvironment) {
  test::RedisServer server({"--requirepass", "right"});
  ::setenv("META_PASSWORD", "right", 1);
  auto client = Client::open(options_for(server.url()), Log());
  ::unsetenv("META_PASSWORD");
  ASSERT_TRUE(client) << client.error().text;
  // Also for connections that are made later.
  ASSERT_TRUE((*client)->start({}));
  (*client)->stop();
}

TEST(RedisOpen, NamesTheUserAndWhatToGrant) {
  test::RedisServer server;
  auto try_user = [&](const std::string& rules) {
    server.ask("ACL SETUSER alice reset on >s3cret " + rules);
    return open_error(options_for("redis://alice:s3cret@" + server.host_port() + "/1"));
  };
  Error error = try_user("~* +@all -select");
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, AllOf(HasSubstr("\"alice\""), HasSubstr("SELECT")));
  error = try_user("~* +@all -info -hset");
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, AllOf(HasSubstr("\"alice\""), HasSubstr("HSET, INFO"),
                                HasSubstr("ACL SETUSER alice ~* +hset +info")));
  error = try_user("~* +@all -multi");
  EXPECT_THAT(error.text, AllOf(HasSubstr("MULTI"), Not(HasSubstr("HSET"))));
  error = try_user("~other* +@all");
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, AllOf(HasSubstr("WATCH"), HasSubstr("~*")));
  error = try_user("%R~* +@all");
  EXPECT_THAT(error.text, AllOf(HasSubstr("HSET"), Not(HasSubstr("HGET"))));
  EXPECT_THAT(server.ask("DBSIZE"), ":0\r\n");  // asking has changed nothing
}

TEST(RedisOpen, NamesWhatTrackingNeeds) {
  test::RedisServer server;
  server.ask("ACL SETUSER alice reset on >s3cret ~* +@all -client");
  auto client = Client::open(options_for("redis://alice:s3cret@" + server.host_port()), Log());
  ASSERT_TRUE(client) << client.error().text;
  auto started = (*client)->start({});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().fault, Fault::kConfig);
  EXPECT_THAT(started.error().text, AllOf(HasSubstr("alice"), HasSubstr("CLIENT TRACKING")));
}

TEST(RedisOpen, SaysThatTheDatabaseDoesNotExist) {
  test::RedisServer server({"--databases", "2"});
  Error error = open_error(options_for(server.url(7)));
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("no database 7"));
}

TEST(RedisOpen, RefusesAClusterByName) {
  test::RedisServer server({"--cluster-enabled", "yes"});
  Error error = open_error(options_for(server.url()));
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("Cluster"));
}

std::optional<std::string> old_server(size_t, const test::ScriptedServer::Words& command) {
  if (command[0] != "HELLO") return test::ScriptedServer::usual(command);
  std::string text = "-ERR unknown command `HELLO`, with args beginning with: ";
  for (const std::string& word : command) text += "`" + word + "`, ";
  return text + "\r\n";
}

TEST(RedisOpen, SaysThatTheServerIsTooOldWithoutRepeatingThePassword) {
  test::ScriptedServer server(old_server);
  Error error = open_error(options_for("redis://:s3cret@127.0.0.1:" +
                                       std::to_string(server.port())));
  EXPECT_EQ(error.fault, Fault::kConfig);
  EXPECT_THAT(error.text, HasSubstr("6.0"));
}

TEST(RedisOpen, SaysThatTheServerIsFull) {
  test::RedisServer server({"--maxclients", "1"});
  int other = test::connect_local(server.port());
  auto options = options_for(server.url());
  options.connect_timeout = 200ms;
  Error error = open_error(options);
  EXPECT_EQ(error.fault, Fault::kRefused);
  EXPECT_THAT(error.text, HasSubstr("no free client slot"));
  ::close(other);
}

TEST(RedisOpen, WaitsForAServerThatIsLoading) {
  std::atomic<int> asked{0};
  test::ScriptedServer server([&](size_t, const test::ScriptedServer::Words& command) {
    if (command[0] == "PING" && ++asked < 4) return std::optional<std::string>("-LOADING x\r\n");
    return std::optional(test::ScriptedServer::usual(command));
  });
  EXPECT_TRUE(Client::open(options_for(server.url()), Log()));
  EXPECT_EQ(asked, 4);
}

TEST(RedisOpen, SaysThatItIsNotARedisServer) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words&) {
    return std::optional<std::string>("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  Error error = open_error(options_for(server.url()));
  EXPECT_THAT(error.text, HasSubstr("not a Redis reply"));
}

TEST(RedisOpen, FailsCleanlyWhenCutAtAnyByte) {
  test::RedisServer server({"--requirepass", "s3cret"});
  test::FaultProxy proxy(server.port());
  auto options = options_for("redis://:s3cret@127.0.0.1:" + std::to_string(proxy.port()) + "/2");
  for (auto to : {test::FaultProxy::To::kServer, test::FaultProxy::To::kClient}) {
    for (size_t at = 0;; at += 7) {
      size_t before = proxy.cuts();
      proxy.cut_after(to, at);
      auto client = Client::open(options, Log());
      proxy.disarm();
      ASSERT_EQ(!client, proxy.cuts() > before) << at;
      if (client) break;
      EXPECT_TRUE(client.error().fault == Fault::kDisconnected ||
                  client.error().fault == Fault::kUnreachable);
    }
  }
}

TEST(ServerInfo, ReadsWhatItKnowsAndSkipsTheRest) {
  ServerInfo info = parse_info(
      "# Server\r\nredis_version:6.2.1\r\nrun_id:abc\r\nnonsense\r\n:\r\n"
      "maxmemory_policy:volatile-lru\r\naof_enabled:1\r\ncluster_enabled:1");
  EXPECT_EQ(info.version, "6.2.1");
  EXPECT_EQ(info.run_id, "abc");
  EXPECT_TRUE(info.eviction_possible);
  EXPECT_TRUE(info.aof);
  EXPECT_TRUE(info.cluster);
  EXPECT_FALSE(parse_info("").eviction_possible);
  EXPECT_FALSE(parse_info("maxmemory_policy:noeviction\n").eviction_possible);
  EXPECT_FALSE(
      parse_info("storage_provider:flash\r\nmaxmemory_policy:allkeys-lru").eviction_possible);
}

}  // namespace
}  // namespace fastmeta::redis
