// SPDX-License-Identifier: GPL-3.0-or-later
#include <atomic>
#include <sstream>
#include <thread>

#include "client_fixture.h"
#include "support/fault_proxy.h"
#include "support/scripted_server.h"

namespace fastmeta::redis {
namespace {

using testing::ElementsAre;

TEST(RedisReconnect, ComesBackByItselfAfterARestart) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  ASSERT_TRUE(client->connected());
  server.kill();
  EXPECT_TRUE(client.events.wait_for("lost"));
  EXPECT_FALSE(client->connected());
  server.start();
  EXPECT_TRUE(client.events.wait_for("ready", 2));
  EXPECT_TRUE(client->connected());
  EXPECT_EQ(client->epoch(), 2u);
  EXPECT_EQ(text_of(client->write_one({"SET", "i1", "1"})), "OK");
  EXPECT_TRUE(client.events.wait_for("key i1"));
  EXPECT_THAT(client.events.all(), ElementsAre("ready", "lost", "ready", "key i1"));
}

TEST(RedisReconnect, KeepsReadsWaitingUntilItIsBack) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  server.kill();
  ASSERT_TRUE(client.events.wait_for("lost"));
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      answered += text_of(client->read_one({"ECHO", std::to_string(i)})) == std::to_string(i);
    });
  }
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(answered, 0);
  server.start();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 8);
}

TEST(RedisReconnect, FailsReadsAtTheirDeadlineWhileTheServerIsGone) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  server.kill();
  ASSERT_TRUE(client.events.wait_for("lost"));
  auto begin = Clock::now();
  std::vector<Command> one{{"GET", "a"}};
  auto reply = client->read(one, deadline_in(200ms));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().fault, Fault::kDisconnected);
  EXPECT_EQ(reply.error().code, EIO);
  EXPECT_THAT(reply.error().text, testing::HasSubstr(server.host_port()));
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_LT(Clock::now() - begin, 3s);
  begin = Clock::now();
  auto lease = client->lease(deadline_in(200ms));
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().fault, Fault::kDisconnected);
  EXPECT_THAT(lease.error().text, testing::HasSubstr("refused"));
  EXPECT_LT(Clock::now() - begin, 3s);
}

TEST(RedisReconnect, NoticesAServerThatDoesNotAnswer) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.ping_interval = 50ms;
  options.ping_timeout = 300ms;
  options.connect_timeout = 500ms;
  RunningClient client(options);
  std::this_thread::sleep_for(400ms);  // pings are answered: nothing is lost
  EXPECT_TRUE(client->connected());
  server.freeze();
  auto begin = Clock::now();
  EXPECT_TRUE(client.events.wait_for("lost", 1, 5s));
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_FALSE(client->connected());
  server.thaw();
  EXPECT_TRUE(client.events.wait_for("ready", 2, 5s));
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
  EXPECT_EQ(client.events.count("lost"), 1u);
}

TEST(RedisReconnect, NoticesALinkThatLosesEveryByte) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  auto options = options_for(proxy.url());
  options.ping_interval = 50ms;
  options.ping_timeout = 200ms;
  options.connect_timeout = 300ms;
  RunningClient client(options);
  proxy.swallow(true);
  EXPECT_TRUE(client.events.wait_for("lost", 1, 5s));
  proxy.swallow(false);
  EXPECT_TRUE(client.events.wait_for("ready", 2, 5s));
  EXPECT_EQ(text_of(client->read_one({"PING"})), "PONG");
}

// The last sign of life counts, not the first question without an answer: the timeout bounds how
// old an answer from memory can be (I5).
TEST(RedisReconnect, ALossIsNoticedWithinTheTimeoutWhereverThePingsAre) {
  test::RedisServer server;
  for (auto phase : {20ms, 250ms, 450ms}) {  // of the interval
    test::FaultProxy proxy(server.port());
    auto options = options_for(proxy.url());
    options.ping_interval = 500ms;
    options.ping_timeout = 1s;
    options.connect_timeout = 300ms;
    RunningClient client(options);
    std::this_thread::sleep_for(500ms + phase);
    proxy.swallow(true);
    auto begin = Clock::now();
    EXPECT_TRUE(client.events.wait_for("lost", 1, 5s));
    EXPECT_LT(Clock::now() - begin, 1350ms) << phase.count() << " ms behind a PING";
    EXPECT_GT(Clock::now() - begin, 450ms);
    proxy.swallow(false);
  }
}

TEST(RedisReconnect, AThreadThatWasHeldUpAsksBeforeItGivesUp) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  proxy.delay(30ms);
  auto options = options_for(proxy.url());
  options.ping_interval = 100ms;
  options.ping_timeout = 400ms;
  LogLines lines;
  Events events;
  auto hooks = events.hooks();
  hooks.on_invalidate = [&](std::span<const std::string>) {
    std::this_thread::sleep_for(800ms);
    events.add("held up");
  };
  auto client = Client::open(options, lines.log());
  ASSERT_TRUE(client);
  ASSERT_TRUE((*client)->start(hooks));
  server.ask("SET i1 1");
  EXPECT_TRUE(events.wait_for("held up"));
  EXPECT_EQ(text_of((*client)->read_one({"PING"})), "PONG");
  (*client)->stop();
  EXPECT_EQ(events.count("lost"), 0u);
}

TEST(RedisReconnect, DoesNotTakeASlowLinkForALostOne) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  proxy.delay(100ms);
  auto options = options_for(proxy.url());
  options.ping_interval = 20ms;
  options.ping_timeout = 2s;
  RunningClient client(options);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(text_of(client->read_one({"PING"})), "PONG");
  EXPECT_THAT(client.events.all(), ElementsAre("ready"));
}

TEST(RedisReconnect, TakesLongRepliesForASignOfLife) {
  test::ScriptedServer server([](size_t, const test::ScriptedServer::Words& command) {
    if (command[0] == "GET") std::this_thread::sleep_for(50ms);
    return std::optional(test::ScriptedServer::usual(command));
  });
  auto options = options_for(server.url());
  options.ping_interval = 50ms;
  options.ping_timeout = 400ms;
  RunningClient client(options);
  std::vector<Command> commands(20, Command{"GET", "i1"});  // the PING is behind them
  EXPECT_TRUE(client->read(commands, client->deadline()));
  EXPECT_THAT(client.events.all(), ElementsAre("ready"));
}

TEST(RedisReconnect, ClosesIdleConnectionsWithTheLostOne) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  {
    auto one = client->lease(client->deadline());
    auto two = client->lease(client->deadline());
    ASSERT_TRUE(one && two);
  }
  auto lines = [&] {
    std::vector<std::string> out;
    std::istringstream list(server.ask("CLIENT LIST"));
    for (std::string line; std::getline(list, line);)
      if (line.find("name=fastmeta") != std::string::npos) out.push_back(line);
    return out;
  };
  ASSERT_EQ(lines().size(), 3u);
  for (const std::string& line : lines()) {
    if (line.find("flags=tB") != std::string::npos)
      server.ask("CLIENT KILL ID " + line.substr(3, line.find(' ') - 3));
  }
  ASSERT_TRUE(client.events.wait_for("ready", 2));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(lines().size(), 1u);
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
}

TEST(RedisReconnect, WaitsWhileTheServerLoadsItsData) {
  std::atomic<bool> loading{false};
  std::atomic<int> refused{0};
  test::ScriptedServer server([&](size_t n, const test::ScriptedServer::Words& command) {
    if (command[0] == "PING" && loading && ++refused < 4)
      return std::optional<std::string>("-LOADING Redis is loading the dataset in memory\r\n");
    if (command[0] == "GET" && n == 1) {
      loading = true;
      return std::optional<std::string>();
    }
    return std::optional(test::ScriptedServer::usual(command));
  });
  auto options = options_for(server.url());
  options.ping_interval = 10s;
  RunningClient client(options);
  EXPECT_EQ(text_of(client->read_one({"GET", "i1"})), "(nil)");
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(client.events.count("ready"), 2u);
  EXPECT_THAT(client.lines.text(), testing::HasSubstr("LOADING"));
}

TEST(RedisReconnect, SaysWhatIsWrongWhenThePasswordWasChanged) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  server.ask("CONFIG SET requirepass s3cret");
  // Connections of before stay; a new one is refused.
  auto one = client->lease(client->deadline());
  auto two = client->lease(deadline_in(200ms));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().fault, Fault::kRefused);
  EXPECT_EQ(two.error().code, EIO);
  EXPECT_THAT(two.error().text, testing::HasSubstr("password"));
}

TEST(RedisReconnect, ReadsAgainWhatWasCutAtAnyByte) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  auto options = options_for(proxy.url());
  options.ping_interval = 60s;
  options.backoff_initial = 1ms;
  options.backoff_max = 2ms;
  RunningClient client(options);
  ASSERT_EQ(text_of(client->write_one({"SET", "a", "alpha"})), "OK");
  std::vector<Command> commands{{"GET", "a"}, {"ECHO", "one"}, {"GET", "b"}};
  size_t fired = 0;
  for (auto to : {test::FaultProxy::To::kServer, test::FaultProxy::To::kClient}) {
    for (auto how : {test::FaultProxy::How::kClose, test::FaultProxy::How::kReset}) {
      for (size_t at = 0;; ++at) {
        ASSERT_TRUE(client.events.wait_for("ready", static_cast<long>(fired) + 1));
        size_t before = proxy.cuts();
        proxy.cut_after(to, at, how);
        auto replies = client->read(commands, client->deadline());
        ASSERT_TRUE(replies) << replies.error().text << " at " << at;
        EXPECT_EQ((*replies)[0].text, "alpha");
        EXPECT_EQ((*replies)[1].text, "one");
        EXPECT_TRUE((*replies)[2].nil());
        proxy.disarm();
        if (proxy.cuts() == before) {
          EXPECT_GT(at, 20u);
          break;
        }
        ++fired;
        ASSERT_EQ(client.events.count("lost"), fired);
      }
    }
  }
  EXPECT_EQ(client->epoch(), fired + 1);
}

TEST(RedisReconnect, GetsThroughAGreetingThatIsCutAtAnyByte) {
  test::RedisServer server({"--requirepass", "s3cret"});
  test::FaultProxy proxy(server.port());
  auto options = options_for(proxy.url() + "/3");
  options.address.password = "s3cret";
  options.ping_interval = 60s;
  options.backoff_initial = 1ms;
  options.backoff_max = 2ms;
  RunningClient client(options);
  long ready = 1;
  for (auto to : {test::FaultProxy::To::kServer, test::FaultProxy::To::kClient}) {
    for (size_t at = 0;; at += 3) {
      size_t before = proxy.cuts();
      proxy.cut_after(to, at);
      proxy.cut_all();
      ASSERT_TRUE(client.events.wait_for("ready", ++ready)) << at;
      // The last byte may fall behind the greeting: then it is the read that is cut.
      ASSERT_EQ(text_of(client->read_one({"PING"})), "PONG") << at;
      proxy.disarm();
      ready = static_cast<long>(client.events.count("ready"));
      if (proxy.cuts() == before) break;
    }
  }
  EXPECT_EQ(client.events.count("ready"), client.events.count("lost") + 1);
  EXPECT_THAT(client.lines.text(), testing::Not(testing::HasSubstr("s3cret")));
}

// Whatever byte is lost: a success means done, kDisconnected means not done.
TEST(RedisLeaseFaults, NeverMisjudgeATransactionCutAtAnyByte) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  auto options = options_for(proxy.url());
  options.ping_interval = 60s;
  options.backoff_initial = 1ms;
  options.backoff_max = 2ms;
  RunningClient client(options);
  RunningClient direct(options_for(server.url()));
  auto value = [&] {
    auto reply = direct->read_one({"GET", "n"});
    return reply && !reply->nil() ? std::stol(reply->text) : 0;
  };
  std::vector<Command> write{{"MULTI"}, {"INCR", "n"}, {"EXEC"}};
  int unknown_done = 0, unknown_not_done = 0;
  for (auto to : {test::FaultProxy::To::kServer, test::FaultProxy::To::kClient}) {
    for (size_t at = 0;; ++at) {
      auto lease = client->lease(client->deadline());
      ASSERT_TRUE(lease) << lease.error().text;
      long before = value();
      size_t cuts = proxy.cuts();
      proxy.cut_after(to, at);
      auto replies = lease->roundtrip(write, client->deadline());
      proxy.disarm();
      bool fired = proxy.cuts() > cuts;
      ASSERT_EQ(!replies, fired) << at;
      if (replies) {
        ASSERT_EQ(value(), before + 1);
        break;
      }
      ASSERT_EQ(replies.error().fault, Fault::kUnreachable);
      (value() == before ? unknown_not_done : unknown_done)++;
    }
  }
  EXPECT_GT(unknown_not_done, 10);
  EXPECT_GT(unknown_done, 10);
}

TEST(RedisReconnect, SurvivesRandomCutsUnderLoad) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  auto options = options_for(proxy.url());
  options.command_deadline = 20s;
  options.ping_interval = 5ms;
  options.backoff_initial = 1ms;
  options.backoff_max = 5ms;
  RunningClient client(options);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        std::string id = std::to_string(t) + "." + std::to_string(i);
        std::vector<Command> commands{{"ECHO", id}, {"ECHO", id + std::string(3000, 'x')}};
        auto replies = client->read(commands, client->deadline());
        bool same = replies && (*replies)[0].text == id &&
                    (*replies)[1].text.compare(0, id.size(), id) == 0;
        ++(same ? right : wrong);
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    std::this_thread::sleep_for(5ms);
    if (i % 2 == 0)
      proxy.cut_all(i % 4 == 0 ? test::FaultProxy::How::kReset : test::FaultProxy::How::kClose);
    else
      proxy.cut_after(test::FaultProxy::To::kClient, static_cast<size_t>(i) * 97);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 10);
}

}  // namespace
}  // namespace fastmeta::redis
