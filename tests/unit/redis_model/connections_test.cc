// SPDX-License-Identifier: GPL-3.0-or-later
// Transactions, tracking, and the life of a connection.
#include <gmock/gmock.h>

#include "lines.h"

namespace fastmeta::test {
namespace {

using testing::ElementsAre;

TEST(ModelTransactions, CarryOutEverythingThatWasQueued) {
  expect_answers({
      {"MULTI", "+OK"},
      {"SET k 1", "+QUEUED"},
      {"HGET k f", "+QUEUED"},
      {"INCRBY k 1", "+QUEUED"},
      {"HSET h a b c", "+QUEUED"},
      {"EXEC", std::string("[+OK, ") + kWrongType +
                   ", :2, -ERR wrong number of arguments for 'hset' command]"},
      {"GET k", "\"2\""},
      {"MULTI", "+OK"},
      {"EXEC", "[]"},
      {"EXEC", "-ERR EXEC without MULTI"},
      {"DISCARD", "-ERR DISCARD without MULTI"},
      {"MULTI", "+OK"},
      {"MULTI", "-ERR MULTI calls can not be nested"},
      {"WATCH k", "-ERR WATCH inside MULTI is not allowed"},
      {"SET k 9", "+QUEUED"},
      {"DISCARD", "+OK"},
      {"GET k", "\"2\""},
  });
}

TEST(ModelTransactions, AreRefusedWhenACommandCouldNotBeQueued) {
  const char* aborted = "-EXECABORT Transaction discarded because of previous errors.";
  expect_answers({
      {"MULTI", "+OK"},
      {"FOO", "-ERR unknown command 'FOO', with args beginning with: "},
      {"SET k 1", "+QUEUED"},
      {"EXEC", aborted},
      {"GET k", "nil"},
      {"MULTI", "+OK"},
      {"GET", "-ERR wrong number of arguments for 'get' command"},
      {"EXEC", aborted},
      {"MULTI", "+OK"},
      {"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."},
      {"EXEC", aborted},
      {"MULTI", "+OK"},
      {"DISCARD x", "-ERR wrong number of arguments for 'discard' command"},
      {"EXEC", aborted},
      {"MULTI", "+OK"},
      {"EXEC x",
       "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
       "command"},
      {"EXEC", "-ERR EXEC without MULTI"},
  });
}

TEST(ModelTransactions, DoNothingWhenAWatchedKeyHasChanged) {
  expect_lines({
      {'a', "SET k 1", "+OK"},
      {'a', "WATCH k", "+OK"},
      {'b', "SET k 1", "+OK"},  // the same value is a change as well
      {'a', "MULTI", "+OK"},
      {'a', "SET k 3", "+QUEUED"},
      {'a', "EXEC", "nil"},
      {'a', "MULTI", "+OK"},  // EXEC has ended the watch
      {'a', "EXEC", "[]"},
      {'a', "WATCH new", "+OK"},
      {'b', "RPUSH new a", ":1"},
      {'a', "MULTI", "+OK"},
      {'b', "DEL new", ":1"},
      {'a', "EXEC", "nil"},
      {'a', "WATCH k", "+OK"},
      {'b', "DEL k", ":1"},
      {'a', "UNWATCH", "+OK"},
      {'a', "MULTI", "+OK"},
      {'a', "EXEC", "[]"},
      {'a', "WATCH k", "+OK"},
      {'b', "DEL k", ":0"},
      {'b', "SREM k x", ":0"},
      {'b', "FLUSHALL", "+OK"},  // k is not there: nothing of it changes
      {'a', "MULTI", "+OK"},
      {'a', "EXEC", "[]"},
      {'a', "WATCH k", "+OK"},
      {'a', "SET k 1", "+OK"},  // its own change counts
      {'a', "MULTI", "+OK"},
      {'a', "EXEC", "nil"},
      {'a', "WATCH k", "+OK"},
      {'b', "FLUSHALL", "+OK"},
      {'a', "MULTI", "+OK"},
      {'a', "FOO", "-ERR unknown command 'FOO', with args beginning with: "},
      {'a', "EXEC", "-EXECABORT Transaction discarded because of previous errors."},
      {'a', "WATCH k", "+OK"},
      {'b', "EVAL 'return redis.call(\"SET\", KEYS[1], 1)' 1 k", "+OK"},
      {'a', "MULTI", "+OK"},
      {'a', "EXEC", "nil"},
  });
}

TEST(ModelTracking, TellsOfKeysWithAPrefixAlsoOfOwnChangesUnlessNoloop) {
  expect_lines({
      {'a', "CLIENT TRACKING ON BCAST PREFIX k PREFIX h", "+OK"},
      {'b', "CLIENT TRACKING ON BCAST NOLOOP PREFIX k", "+OK"},
      {'c', "CLIENT TRACKING ON BCAST", "+OK"},
      {'d', "SET k1 1", "+OK"},
      {'a', "GET k1", "\"1\""},
      {'b', "GET k1", "\"1\""},
      {'a', "SET k2 1", "+OK"},
      {'b', "SET k3 1", "+OK"},
      {'b', "GET k3", "\"1\""},
      {'d', "SET other 1", "+OK"},
      {'d', "MULTI", "+OK"},
      {'d', "SET k2 2", "+QUEUED"},
      {'d', "HSET h f v", "+QUEUED"},
      {'d', "SET k1 2", "+QUEUED"},
      {'d', "EXEC", "[+OK, :1, +OK]"},
      {'a', "MULTI", "+OK"},
      {'a', "SET k1 2", "+QUEUED"},
      {'a', "EXEC", "[+OK]"},
      {'b', "EVAL 'redis.call(\"SET\", KEYS[1], 1)' 1 k5", "nil"},
      {'a', "SREM k9 x", ":0"},
      {'a', "CLIENT TRACKING OFF", "+OK"},
      {'d', "SET k1 2", "+OK"},
  });
}

TEST(ModelTracking, TellsOfAFlush) {
  expect_lines({
      {'a', "CLIENT TRACKING ON BCAST PREFIX k", "+OK"},
      {'b', "CLIENT TRACKING ON BCAST NOLOOP PREFIX k", "+OK"},
      {'c', "FLUSHALL", "+OK"},
      {'b', "FLUSHDB", "+OK"},
      {'b', "PING", "+PONG"},
      {'b', "MULTI", "+OK"},
      {'b', "SET k1 1", "+QUEUED"},
      {'b', "FLUSHALL", "+QUEUED"},
      {'b', "SET k2 1", "+QUEUED"},
      {'b', "EXEC", "[+OK, +OK, +OK]"},
      {'a', "EVAL 'return redis.call(\"FLUSHALL\")' 0", "+OK"},
      {'a', "PING", "+PONG"},
  });
}

TEST(ModelTracking, RefusesWhatCannotBe) {
  expect_lines({
      {'a', "CLIENT TRACKING MAYBE", "-ERR syntax error"},
      {'a', "CLIENT TRACKING ON BCAST PREFIX", "-ERR syntax error"},
      {'a', "CLIENT TRACKING ON PREFIX k", "-ERR PREFIX option requires BCAST mode to be enabled"},
      {'a', "CLIENT TRACKING ON BCAST PREFIX ab PREFIX a",
       "-ERR Prefix 'ab' overlaps with another provided prefix 'a'. Prefixes for a single client "
       "must not overlap."},
      {'b', "CLIENT TRACKING ON BCAST PREFIX a", "+OK"},
      {'b', "CLIENT TRACKING ON BCAST PREFIX ab",
       "-ERR Prefix 'ab' overlaps with an existing prefix 'a'. Prefixes for a single client must "
       "not overlap."},
  });
}

std::vector<std::string> told(Connection& connection) { return shown(connection.take_pushes()); }

// The random test holds this against the server; here it is for the reader.
TEST(ModelTracking, TellsOfATurnWhenItsRepliesAreWritten) {
  RedisModel model;
  auto reader = model.connect(), writer = model.connect(), own = model.connect();
  reader->execute(words("CLIENT TRACKING ON BCAST PREFIX k PREFIX z"));
  own->execute(words("CLIENT TRACKING ON BCAST NOLOOP PREFIX k"));
  {
    RedisModel::Turn turn(model);
    writer->execute(words("SET z 1"));
    writer->execute(words("SET k2 1"));
    writer->execute(words("SET k1 1"));
    EXPECT_EQ(show(reader->execute(words("GET k1"))), "\"1\"");
    EXPECT_THAT(told(*reader), ElementsAre());
  }
  EXPECT_THAT(told(*reader), ElementsAre("after 2: [\"invalidate\", [\"k1\", \"k2\"]]",
                                         "after 2: [\"invalidate\", [\"z\"]]"));
  EXPECT_THAT(told(*own), ElementsAre("after 1: [\"invalidate\", [\"k1\", \"k2\"]]"));
  {
    RedisModel::Turn turn(model);
    writer->execute(words("SET k1 2"));
    own->execute(words("SET k1 3"));  // hides the other's change
  }
  EXPECT_THAT(told(*own), ElementsAre());
}

TEST(ModelConnections, EndWithTheServerAndTheKeysThatASnapshotHasComeBack) {
  RedisModel model;
  auto old = model.connect();
  old->execute(words("CLIENT TRACKING ON BCAST"));
  old->execute(words("SET k 1"));
  old->execute(words("HSET h f v"));
  const Keyspace saved = model.snapshot();
  old->execute(words("SET k 2"));
  old->execute(words("DEL h"));
  model.restore(saved);
  EXPECT_FALSE(old->alive());
  EXPECT_EQ(told(*old).size(), 4u);
  EXPECT_DEATH(old->execute(words("PING")), "internal error");
  auto connection = model.connect();
  EXPECT_EQ(show(connection->execute(words("GET k"))), "\"1\"");
  EXPECT_TRUE(connection->take_pushes().empty());
  EXPECT_TRUE(model.snapshot() == saved);
  model.restart();
  EXPECT_FALSE(connection->alive());
  EXPECT_TRUE(model.snapshot() == saved);
}

TEST(ModelConnections, MayOutliveTheServer) {
  std::unique_ptr<Connection> connection;
  {
    RedisModel model;
    connection = model.connect();
  }
  EXPECT_FALSE(connection->alive());
}

TEST(ModelKeys, CanBeLookedAt) {
  RedisModel model;
  auto connection = model.connect();
  connection->execute(words("SET b 1"));
  connection->execute(words("HSET a f v"));
  ASSERT_NE(model.find("b"), nullptr);
  EXPECT_EQ(std::get<std::string>(*model.find("b")), "1");
  EXPECT_EQ(std::get<Hash>(*model.find("a")).fields.at("f"), "v");
  EXPECT_EQ(model.find("c"), nullptr);
  std::vector<std::string> keys;
  model.for_each_key([&](const std::string& key, const Value&) { keys.push_back(key); });
  EXPECT_THAT(keys, ElementsAre("a", "b"));
}

TEST(ModelKeys, WhatIsNotModelledEndsTheProcess) {
  RedisModel model;
  auto connection = model.connect();
  EXPECT_DEATH(connection->execute(words("SET k v NX")), "options of SET");
  EXPECT_DEATH(connection->execute(words("CLIENT TRACKING ON")), "without BCAST");
}

}  // namespace
}  // namespace fastmeta::test
