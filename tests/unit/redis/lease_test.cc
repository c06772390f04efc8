// SPDX-License-Identifier: GPL-3.0-or-later
#include <thread>

#include "client_fixture.h"
#include "redis/pool.h"
#include "support/fault_proxy.h"

namespace fastmeta::redis {
namespace {

using Commands = std::vector<Command>;

Reply last_of(Result<std::vector<Reply>> replies) {
  if (replies) return std::move(replies->back());
  ADD_FAILURE() << replies.error().text;
  return {};
}

TEST(RedisLease, CommitsWhatNobodyElseTouched) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  Commands look{{"WATCH", "i1"}, {"GET", "i1"}};
  EXPECT_TRUE(last_of(lease->roundtrip(look, client->deadline())).nil());
  Commands write{{"MULTI"}, {"SET", "i1", "a"}, {"HSET", "d1", "f", "v"}, {"EXEC"}};
  Reply done = last_of(lease->roundtrip(write, client->deadline()));
  ASSERT_EQ(done.items.size(), 2u);
  EXPECT_EQ(done.items[0].text, "OK");
  EXPECT_EQ(done.items[1].number, 1);
}

TEST(RedisLease, GetsNilWhenAWatchedKeyChanged) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  Commands look{{"WATCH", "i1"}};
  ASSERT_TRUE(lease->roundtrip(look, client->deadline()));
  ASSERT_TRUE(client->write_one({"SET", "i1", "theirs"}));
  Commands write{{"MULTI"}, {"SET", "i1", "ours"}, {"EXEC"}};
  EXPECT_TRUE(last_of(lease->roundtrip(write, client->deadline())).nil());
  EXPECT_EQ(text_of(client->read_one({"GET", "i1"})), "theirs");
}

TEST(RedisLease, LeavesNoWatchToTheNextUser) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.pool_max = 1;  // the next user gets the same connection
  RunningClient client(options);
  RunningClient other(options_for(server.url()));
  {
    auto lease = client->lease(client->deadline());
    ASSERT_TRUE(lease);
    Commands look{{"watch", "i1"}};
    ASSERT_TRUE(lease->roundtrip(look, client->deadline()));
  }
  {
    // A user that sends nothing must not lose the duty.
    auto idle = client->lease(client->deadline());
    ASSERT_TRUE(idle);
  }
  ASSERT_TRUE(other->write_one({"SET", "i1", "theirs"}));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  Commands write{{"MULTI"}, {"SET", "i2", "ours"}, {"EXEC"}};
  auto replies = lease->roundtrip(write, client->deadline());
  ASSERT_TRUE(replies);
  EXPECT_EQ(replies->size(), 3u);
  EXPECT_FALSE(replies->back().nil());
}

TEST(RedisLease, ClosesAConnectionThatIsLeftInsideOfMulti) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.pool_max = 1;
  RunningClient client(options);
  {
    auto lease = client->lease(client->deadline());
    ASSERT_TRUE(lease);
    Commands half{{"MULTI"}, {"SET", "a", "half"}};
    ASSERT_TRUE(lease->roundtrip(half, client->deadline()));
  }
  EXPECT_EQ(text_of(client->write_one({"GET", "a"})), "(nil)");
}

TEST(RedisLease, GoesOnAfterARefusedCommand) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.pool_max = 1;
  RunningClient client(options);
  {
    auto lease = client->lease(client->deadline());
    ASSERT_TRUE(lease);
    Commands wrong{{"MULTI"}, {"SET", "only-a-key"}, {"EXEC"}};
    auto replies = lease->roundtrip(wrong, client->deadline());
    ASSERT_TRUE(replies);
    EXPECT_TRUE((*replies)[1].is_error());
    EXPECT_TRUE((*replies)[2].is_error());
  }
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
}

TEST(RedisLease, WaitsForAFreeConnectionUntilTheDeadline) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.pool_max = 2;
  RunningClient client(options);
  auto one = client->lease(client->deadline());
  auto two = client->lease(client->deadline());
  ASSERT_TRUE(one && two);
  auto begin = Clock::now();
  auto none = client->lease(deadline_in(100ms));
  auto took = Clock::now() - begin;
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().fault, Fault::kDisconnected);
  EXPECT_THAT(none.error().text, testing::HasSubstr("all 2 connections are in use"));
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 3s);

  std::thread returns([&] {
    std::this_thread::sleep_for(50ms);
    Lease gone = std::move(*one);
  });
  EXPECT_TRUE(client->lease(client->deadline()));
  returns.join();
}

TEST(RedisLease, ReplacesConnectionsThatTheServerClosedWhileIdle) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  for (int round = 0; round < 20; ++round) {
    {
      auto one = client->lease(client->deadline());
      auto two = client->lease(client->deadline());
      ASSERT_TRUE(one && two);
    }
    server.ask("CLIENT KILL TYPE normal SKIPME yes");
    for (int i = 0; i < 3; ++i) ASSERT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
  }
}

TEST(RedisLease, SaysNothingWasSentWhenNothingWas) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  RunningClient client(options_for(proxy.url()));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  proxy.cut_all();
  std::this_thread::sleep_for(100ms);
  Commands one{{"INCR", "n"}};
  auto replies = lease->roundtrip(one, client->deadline());
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().fault, Fault::kDisconnected);
  auto again = lease->roundtrip(one, client->deadline());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::kDisconnected);
}

TEST(RedisLease, SaysTheOutcomeIsUnknownWhenTheReplyToExecIsLost) {
  test::RedisServer server;
  test::FaultProxy proxy(server.port());
  RunningClient client(options_for(proxy.url()));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  proxy.cut_reply_to("EXEC\r\n");
  Commands write{{"MULTI"}, {"INCR", "n"}, {"EXEC"}};
  auto replies = lease->roundtrip(write, client->deadline());
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().fault, Fault::kUnreachable);
  EXPECT_EQ(proxy.cuts(), 1u);
  EXPECT_EQ(text_of(client->read_one({"GET", "n"})), "1");
}

TEST(RedisLease, GivesUpOnASilentServerAtTheDeadline) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  auto lease = client->lease(client->deadline());
  ASSERT_TRUE(lease);
  server.freeze();
  auto begin = Clock::now();
  Commands one{{"GET", "a"}};
  auto replies = lease->roundtrip(one, deadline_in(150ms));
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().fault, Fault::kUnreachable);
  EXPECT_GE(Clock::now() - begin, 150ms);
  EXPECT_LT(Clock::now() - begin, 3s);
  // A new connection is taken by the system, but nobody speaks.
  {
    auto keep = client->lease(deadline_in(200ms));
    if (keep) {
      auto silent = keep->roundtrip(one, deadline_in(50ms));
      EXPECT_FALSE(silent);
    }
  }
  begin = Clock::now();
  EXPECT_FALSE(client->lease(deadline_in(200ms)));
  EXPECT_LT(Clock::now() - begin, 3s);
  server.thaw();
  EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
}

TEST(RedisLease, WaitsForAServerThatComesBack) {
  test::RedisServer server;
  RunningClient client(options_for(server.url()));
  server.kill();
  std::thread writes([&] {
    EXPECT_EQ(text_of(client->write_one({"SET", "a", "1"})), "OK");
  });
  std::this_thread::sleep_for(200ms);
  server.start();
  writes.join();
}

TEST(RedisPool, ClosesWhatIsIdleForLongExceptAFew) {
  test::RedisServer server;
  auto stop = std::make_shared<Event>();
  auto dialer = std::make_shared<Dialer>(options_for(server.url()).address, stop);
  PoolOptions options;
  options.idle_kept = 2;
  options.idle_max = 50ms;
  auto pool = std::make_shared<Pool>(dialer, stop, options);
  auto clients = [&] {
    std::string list = server.ask("CLIENT LIST");
    size_t count = 0;
    for (size_t at = 0; (at = list.find("name=fastmeta", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  {
    std::vector<Lease> all;
    for (int i = 0; i < 5; ++i) {
      auto one = pool->lend(deadline_in(5s));
      ASSERT_TRUE(one);
      all.push_back(std::move(*one));
    }
  }
  EXPECT_EQ(clients(), 5u);
  pool->trim();
  EXPECT_EQ(clients(), 5u);
  std::this_thread::sleep_for(60ms);
  pool->trim();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(clients(), 2u);
  EXPECT_TRUE(pool->lend(deadline_in(5s)));
}

TEST(RedisPool, IsSharedByManyThreadsWithoutMixingReplies) {
  test::RedisServer server;
  auto options = options_for(server.url());
  options.pool_max = 4;
  RunningClient client(options);
  std::atomic<int> wrong{0}, committed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50;) {
        auto lease = client->lease(client->deadline());
        if (!lease) {
          ++wrong;
          break;
        }
        Commands look{{"WATCH", "n"}, {"GET", "n"}};
        auto seen = lease->roundtrip(look, client->deadline());
        if (!seen) {
          ++wrong;
          break;
        }
        std::string text = seen->back().text;
        long next = (text.empty() ? 0 : std::stol(text)) + 1;
        Commands write{{"MULTI"}, {"SET", "n", std::to_string(next)}, {"EXEC"}};
        auto done = lease->roundtrip(write, client->deadline());
        if (!done) {
          ++wrong;
          break;
        }
        if (done->back().nil()) continue;
        ++committed;
        ++i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(committed, 400);
  EXPECT_EQ(text_of(client->read_one({"GET", "n"})), "400");
}

}  // namespace
}  // namespace fastmeta::redis
