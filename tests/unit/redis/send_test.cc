// SPDX-License-Identifier: GPL-3.0-or-later
// Transactions on the connection that carries tracking.
#include <errno.h>

#include <atomic>
#include <thread>

#include "client_fixture.h"
#include "support/fault_proxy.h"
#include "support/scripted_server.h"

namespace fastmeta::redis {
namespace {

using Block = std::vector<Command>;
using Replies = Result<std::vector<Reply>>;

std::unique_ptr<Sent> must_send(RunningClient& client, Block block) {
  auto sent = client->send(std::move(block), client->epoch(), client->deadline());
  if (sent) return std::move(*sent);
  ADD_FAILURE() << sent.error().text;
  std::abort();
}

Replies roundtrip(RunningClient& client, Block block) {
  return must_send(client, std::move(block))->wait();
}

ClientOptions quick_options(const std::string& url) {
  auto options = options_for(url);
  options.ping_interval = 60s;
  options.backoff_initial = 1ms;
  options.backoff_max = 2ms;
  return options;
}

long number_at(RunningClient& client, const char* key) {
  auto reply = client->read_one({"GET", key});
  return reply && !reply->nil() ? std::stol(reply->text) : 0;
}

TEST(RedisSend, ExecOfOneBatchAndWatchOfTheNextShareARoundTrip) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  RunningClient client(quick_options(proxy.url()));
  proxy.delay(100ms);  // each way
  auto begin = Clock::now();
  auto exec = must_send(client, {{"MULTI"}, {"INCR", "i1"}, {"EXEC"}});
  auto watch = must_send(client, {{"WATCH", "i1"}, {"GET", "i1"}});
  EXPECT_LT(Clock::now() - begin, 100ms);
  auto seen = watch->wait();  // in any order of waiting
  auto done = exec->wait();
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_LT(Clock::now() - begin, 390ms);
  ASSERT_TRUE(done && seen);
  ASSERT_EQ(done->size(), 3u);
  ASSERT_EQ((*done)[2].items.size(), 1u);
  EXPECT_EQ((*done)[2].items[0].number, 1);
  ASSERT_EQ(seen->size(), 2u);
  EXPECT_EQ((*seen)[1].text, "1");  // what the EXEC in front of it made
}

TEST(RedisSend, AWatchedKeyThatAnotherChangesMakesExecNil) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  RunningClient other(quick_options(server.url()));
  ASSERT_TRUE(roundtrip(client, {{"WATCH", "i1"}, {"GET", "i1"}}));
  ASSERT_TRUE(other->write_one({"SET", "i1", "theirs"}));
  auto lost = roundtrip(client, {{"MULTI"}, {"SET", "i1", "ours"}, {"EXEC"}});
  ASSERT_TRUE(lost);
  EXPECT_TRUE(lost->back().nil());
  EXPECT_EQ(text_of(client->read_one({"GET", "i1"})), "theirs");
  auto again = roundtrip(client, {{"MULTI"}, {"SET", "i1", "ours"}, {"EXEC"}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->back().items.size(), 1u);
}

TEST(RedisSend, NoReadOfAnotherThreadGetsIntoABlock) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        std::string id = std::to_string(t) + "." + std::to_string(i);
        ++(text_of(client->read_one({"ECHO", id})) == id ? right : wrong);
      }
    });
  }
  std::string filler(20000, 'x');
  for (int i = 1; i <= 300; ++i) {
    Block block{{"MULTI"}, {"SET", "i2", filler}, {"INCR", "i1"}, {"EXEC"}};
    auto first = must_send(client, block);
    auto second = must_send(client, {{"GET", "i1"}});
    auto done = first->wait();
    auto seen = second->wait();
    ASSERT_TRUE(done && seen);
    ASSERT_EQ(done->back().items.size(), 2u);  // a read inside would be a third
    ASSERT_EQ(done->back().items[1].number, i);
    ASSERT_EQ(seen->front().text, std::to_string(i));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 0);
}

TEST(RedisSend, OwnChangesAreNotToldAndThoseOfOthersAre) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  RunningClient other(quick_options(server.url()));
  ASSERT_TRUE(roundtrip(client, {{"WATCH", "i1"}, {"MULTI"}, {"SET", "i1", "a"}, {"EXEC"}}));
  EXPECT_TRUE(other.events.wait_for("key i1"));
  ASSERT_TRUE(other->write_one({"SET", "i2", "b"}));
  EXPECT_TRUE(client.events.wait_for("key i2"));
  EXPECT_EQ(client.events.count("key i1"), 0u);
  // The last writer counts: from here on i1 is the other's.
  ASSERT_TRUE(other->write_one({"SET", "i1", "b"}));
  EXPECT_TRUE(client.events.wait_for("key i1"));
}

TEST(RedisSend, IsRefusedOnAnotherConnectionThanMeant) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  uint64_t before = client->epoch();
  ASSERT_TRUE(roundtrip(client, {{"WATCH", "i1"}}));
  server.kill();
  ASSERT_TRUE(client.events.wait_for("lost"));
  auto begin = Clock::now();
  auto none = client->send({{"PING"}}, before, client->deadline());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kDisconnected);
  EXPECT_LT(Clock::now() - begin, 1s);  // it does not wait for a connection
  server.start();
  ASSERT_TRUE(client.events.wait_for("ready", 2));
  auto stale = client->send({{"MULTI"}, {"INCR", "n"}, {"EXEC"}}, before, client->deadline());
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().fault, Fault::kDisconnected);
  EXPECT_EQ(number_at(client, "n"), 0);
  EXPECT_TRUE(roundtrip(client, {{"MULTI"}, {"INCR", "n"}, {"EXEC"}}));
  EXPECT_EQ(number_at(client, "n"), 1);
}

TEST(RedisSend, IsRefusedBeforeStartAndAfterStop) {
  test::RedisServer server;
  auto client = Client::open(quick_options(server.url()), Log());
  ASSERT_TRUE(client);
  auto early = (*client)->send({{"PING"}}, 0, (*client)->deadline());
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().fault, Fault::kDisconnected);
  ASSERT_TRUE((*client)->start({}));
  (*client)->stop();
  auto late = (*client)->send({{"PING"}}, 1, (*client)->deadline());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::kDisconnected);
}

TEST(RedisSend, GivesUpAtItsDeadlineWithoutAKnownOutcome) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  server.freeze();
  auto sent = client->send({{"INCR", "n"}, {"ECHO", "late"}}, client->epoch(), deadline_in(50ms));
  ASSERT_TRUE(sent);
  auto none = (*sent)->wait();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kUnreachable);
  EXPECT_EQ(none.error().code, EIO);
  server.thaw();
  EXPECT_EQ(text_of(client->read_one({"ECHO", "in time"})), "in time");
  EXPECT_EQ(number_at(client, "n"), 1);
  EXPECT_EQ(client->epoch(), 1u);
}

TEST(RedisSend, NeedNotBeWaitedFor) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  for (int i = 0; i < 100; ++i) must_send(client, {{"INCR", "n"}, {"ECHO", "unread"}});
  EXPECT_EQ(number_at(client, "n"), 100);
  server.freeze();
  must_send(client, {{"INCR", "n"}});
  server.thaw();
  EXPECT_EQ(number_at(client, "n"), 101);
}

TEST(RedisSend, EndsItsWaitWhenStopped) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  server.freeze();
  auto sent = must_send(client, {{"INCR", "n"}});
  std::thread stops([&] {
    std::this_thread::sleep_for(50ms);
    client->stop();
  });
  auto begin = Clock::now();
  auto none = sent->wait();
  stops.join();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kUnreachable);  // it was written
  EXPECT_LT(Clock::now() - begin, 3s);
  server.thaw();
}

// What waits behind a full socket has surely not left, and is not sent later either.
TEST(RedisSendFaults, ABlockThatNeverLeftIsKnownAsSuch) {
  test::RedisServer server;
  RunningClient client(quick_options(server.url()));
  server.freeze();
  auto big = must_send(client, {{"SET", "big", std::string(40 << 20, 'x')}});
  auto behind = must_send(client, {{"INCR", "n"}});
  server.kill();
  auto first = big->wait();
  auto second = behind->wait();
  ASSERT_TRUE(!first && !second);
  EXPECT_EQ(first.error().fault, Fault::kUnreachable);
  EXPECT_EQ(second.error().fault, Fault::kDisconnected);
  EXPECT_EQ(client.events.count("lost"), 1u);  // known before the failure is seen
  server.start();
  ASSERT_TRUE(client.events.wait_for("ready", 2));
  EXPECT_EQ(number_at(client, "n"), 0);
}

// Whatever byte is lost, of the commands or of the replies: a success means done,
// kDisconnected means not done, and nothing is done twice.
TEST(RedisSendFaults, NeverMisjudgesATransactionCutAtAnyByte) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  RunningClient client(quick_options(proxy.url()));
  RunningClient direct(quick_options(server.url()));
  Block exec{{"MULTI"}, {"INCR", "n"}, {"EXEC"}};
  Block watch{{"WATCH", "n"}, {"GET", "n"}};
  int unknown_done = 0, unknown_not_done = 0;
  for (auto to : {test::FaultProxy::To::kServer, test::FaultProxy::To::kClient}) {
    for (size_t at = 0;; ++at) {
      ASSERT_TRUE(client.events.wait_for("ready", static_cast<long>(client->epoch())));
      ASSERT_EQ(text_of(client->read_one({"PING"})), "PONG");
      long before = number_at(direct, "n");
      uint64_t epoch = client->epoch();
      size_t cuts = proxy.cuts();
      proxy.cut_after(to, at);
      auto first = client->send(exec, epoch, client->deadline());
      ASSERT_TRUE(first);
      auto second = client->send(watch, epoch, client->deadline());
      auto done = (*first)->wait();
      auto seen = second ? (*second)->wait() : Replies(second.error());
      proxy.disarm();
      bool fired = proxy.cuts() > cuts;
      ASSERT_EQ(!done || !seen, fired) << at;
      if (fired) {  // connected anew
        ASSERT_EQ(text_of(client->read_one({"PING"})), "PONG");
      }
      long now = number_at(direct, "n");
      if (done) {
        ASSERT_EQ(now, before + 1) << at;
      } else {
        ASSERT_EQ(done.error().fault, Fault::kUnreachable) << at;
        ASSERT_TRUE(now == before || now == before + 1) << at;
        (now == before ? unknown_not_done : unknown_done)++;
      }
      if (!fired) break;
    }
  }
  EXPECT_GT(unknown_not_done, 10);
  EXPECT_GT(unknown_done, 10);
}

TEST(RedisSendFaults, IsNeverSentTwiceWhileReadsAre) {
  std::atomic<int> writes{0};
  test::ScriptedServer server([&](size_t n, const test::ScriptedServer::Words& command) {
    if (command[0] == "INCR") ++writes;
    if (command[0] == "GET" && n == 1) return std::optional<std::string>();
    return std::optional(test::ScriptedServer::usual(command));
  });
  RunningClient client(quick_options(server.url()));
  std::atomic<bool> answered{false};
  auto sent = must_send(client, {{"INCR", "n"}, {"GET", "i1"}});  // ends the connection
  std::thread reader([&] { answered = bool(client->read_one({"ECHO", "x"})); });
  auto none = sent->wait();
  reader.join();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kUnreachable);
  EXPECT_TRUE(client.events.wait_for("ready", 2));
  EXPECT_TRUE(client->read_one({"GET", "i1"}));
  EXPECT_TRUE(answered);
  EXPECT_EQ(writes, 1);
}

}  // namespace
}  // namespace fastmeta::redis
