// SPDX-License-Identifier: GPL-3.0-or-later
#include "lines.h"

namespace fastmeta::test {
namespace {

TEST(ModelCommands, Strings) {
  expect_answers({
      {"GET k", "nil"},
      {"SET k v", "+OK"},
      {"get k", "\"v\""},
      {"SETNX k w", ":0"},
      {"SETNX n w", ":1"},
      {"MGET k none n", "[\"v\", nil, \"w\"]"},
      {"EXISTS k k none", ":2"},
      {"TYPE k", "+string"},
      {"TYPE none", "+none"},
      {"INCRBY c 5", ":5"},
      {"INCRBY c -7", ":-2"},
      {"INCRBY k 1", kNotInteger},
      {"INCRBY c 1.5", kNotInteger},
      {"INCRBY c +1", kNotInteger},
      {"INCRBY c 01", kNotInteger},
      {"SET c 9223372036854775807", "+OK"},
      {"INCRBY c 1", "-ERR increment or decrement would overflow"},
      {"SET c ' 1'", "+OK"},
      {"INCRBY c 1", kNotInteger},
      {"SET empty ''", "+OK"},
      {"GET empty", "\"\""},
      {"DEL k n k none", ":2"},
      {"UNLINK c", ":1"},
      {"EXISTS k n c", ":0"},
      {"PING", "+PONG"},
      {"PING hello", "\"hello\""},
  });
}

TEST(ModelCommands, Hashes) {
  expect_answers({
      {"HSET h a 1", ":1"},
      {"HSET h a 2 b 3 b 4", ":1"},
      {"HGETALL h", "[\"a\", \"2\", \"b\", \"4\"]"},
      {"HKEYS h", "[\"a\", \"b\"]"},
      {"HVALS h", "[\"2\", \"4\"]"},
      {"HSCAN h 0 COUNT 1", "[\"0\", [\"a\", \"2\", \"b\", \"4\"]]"},
      {"HSCAN h 0 MATCH b*", "[\"0\", [\"b\", \"4\"]]"},
      {"HSCAN none 0 COUNT x", "[\"0\", []]"},
      {"HSCAN h x", "-ERR invalid cursor"},
      {"HSCAN h 0 COUNT 0", "-ERR syntax error"},
      {"HSCAN h 0 COUNT", "-ERR syntax error"},
      {"HGET h a", "\"2\""},
      {"HGET h x", "nil"},
      {"HMGET h b x a", "[\"4\", nil, \"2\"]"},
      {"HMGET none a b", "[nil, nil]"},
      {"HEXISTS h a", ":1"},
      {"HEXISTS h x", ":0"},
      {"HLEN h", ":2"},
      {"HLEN none", ":0"},
      {"HSETNX h a 9", ":0"},
      {"HSETNX h c 9", ":1"},
      {"HINCRBY h c -10", ":-1"},
      {"HINCRBY h c x", kNotInteger},
      {"HSET h text t big 9223372036854775807", ":2"},
      {"HINCRBY h text 1", "-ERR hash value is not an integer"},
      {"HINCRBY h big 1", "-ERR increment or decrement would overflow"},
      {"HDEL h text big c x", ":3"},
      {"HDEL h a b", ":2"},
      {"TYPE h", "+none"},
      {"HSET h a", "-ERR wrong number of arguments for 'hset' command"},
      {"HSET h a b c", "-ERR wrong number of arguments for 'hset' command"},
      {"HGETALL h", "[]"},
  });
}

TEST(ModelCommands, Lists) {
  expect_answers({
      {"RPUSHX l a", ":0"},
      {"RPUSH l a b c", ":3"},
      {"LPUSH l y z", ":5"},
      {"RPUSHX l d e", ":7"},
      {"LLEN l", ":7"},
      {"LRANGE l 0 -1", "[\"z\", \"y\", \"a\", \"b\", \"c\", \"d\", \"e\"]"},
      {"LRANGE l -2 100", "[\"d\", \"e\"]"},
      {"LRANGE l 5 2", "[]"},
      {"LRANGE l -100 0", "[\"z\"]"},
      {"LRANGE l a b", kNotInteger},
      {"LTRIM l 2 -1", "+OK"},
      {"LRANGE l 0 -1", "[\"a\", \"b\", \"c\", \"d\", \"e\"]"},
      {"LTRIM l x -1", kNotInteger},
      {"LTRIM l 5 -1", "+OK"},
      {"EXISTS l", ":0"},
      {"LTRIM l 0 0", "+OK"},
      {"LLEN l", ":0"},
  });
}

TEST(ModelCommands, SetsAndSortedSets) {
  expect_answers({
      {"SADD s b a a", ":2"},
      {"SADD s a", ":0"},
      {"SCARD s", ":2"},
      {"SISMEMBER s a", ":1"},
      {"SISMEMBER s x", ":0"},
      {"SREM s b x", ":1"},
      {"SMEMBERS s", "[\"a\"]"},
      {"SREM s a", ":1"},
      {"TYPE s", "+none"},
      {"SMEMBERS s", "[]"},
      {"ZADD z 2 b 1 a 1 a0", ":3"},
      {"ZADD z 2.5 b 3 c", ":1"},
      {"ZSCORE z b", "\"2.5\""},
      {"ZSCORE z x", "nil"},
      {"ZSCORE none x", "nil"},
      {"ZADD z 0.1 d -inf e 1e100 f", ":3"},
      {"ZSCORE z d", "\"0.10000000000000001\""},
      {"ZSCORE z e", "\"-inf\""},
      {"ZSCORE z f", "\"1e+100\""},
      {"ZCARD z", ":7"},
      {"ZRANGEBYSCORE z -inf +inf", "[\"e\", \"d\", \"a\", \"a0\", \"b\", \"c\", \"f\"]"},
      {"ZRANGEBYSCORE z (1 3", "[\"b\", \"c\"]"},
      {"ZRANGEBYSCORE z 1 (3 LIMIT 1 1", "[\"a0\"]"},
      {"ZRANGEBYSCORE z 1 3 LIMIT 1 -1", "[\"a0\", \"b\", \"c\"]"},
      {"ZRANGEBYSCORE z 1 3 LIMIT -1 2", "[]"},
      {"ZRANGEBYSCORE z 1 3 LIMIT 0", "-ERR syntax error"},
      {"ZRANGEBYSCORE z 1 3 LIMIT 0 x", kNotInteger},
      {"ZRANGEBYSCORE z 1 3 FOO", "-ERR syntax error"},
      {"ZRANGEBYSCORE z x 3", "-ERR min or max is not a float"},
      {"ZADD z nan a", "-ERR value is not a valid float"},
      {"ZADD z 1 a 2", "-ERR syntax error"},
      {"ZADD z XX 1 a 2", "-ERR syntax error"},
      {"ZADD z xx 7 a 7 absent", ":0"},
      {"ZSCORE z a", "\"7\""},
      {"ZSCORE z absent", "nil"},
      {"ZADD none XX 7 a", ":0"},
      {"EXISTS none", ":0"},
      {"ZREM z a b x", ":2"},
      {"ZREM z a0 c d e f", ":5"},
      {"TYPE z", "+none"},
  });
}

TEST(ModelCommands, RefuseAValueOfAnotherType) {
  const std::vector<Line> setup{{'a', "SET s 1", "+OK"}, {'a', "RPUSH l a", ":1"},
                                {'a', "HSET h f v", ":1"}};
  std::vector<Line> lines = setup;
  for (const char* said :
       {"GET l", "INCRBY l 1", "HGET s f", "HSET s f v", "HSETNX s f v", "HDEL s f", "HGETALL s",
        "HLEN s", "HMGET s f", "HEXISTS s f", "HINCRBY s f 1", "HSCAN s 0", "LRANGE h 0 -1",
        "LLEN h", "RPUSH h a", "RPUSHX h a", "LPUSH h a", "LTRIM h 0 0", "ZADD s 1 a", "ZREM s a",
        "ZSCORE s a", "ZRANGEBYSCORE s 0 1", "ZCARD s", "SADD l a", "SREM l a", "SMEMBERS l",
        "SISMEMBER l a", "SCARD l"})
    lines.push_back({'a', said, kWrongType});
  lines.push_back({'a', "MGET s l h", "[\"1\", nil, nil]"});
  lines.push_back({'a', "SETNX l x", ":0"});
  lines.push_back({'a', "SET l x", "+OK"});
  lines.push_back({'a', "TYPE l", "+string"});
  expect_lines(lines);
}

TEST(ModelCommands, RefuseWhatTheyDoNotKnow) {
  expect_answers({
      {"FOO", "-ERR unknown command 'FOO', with args beginning with: "},
      {"foo a 'b c'", "-ERR unknown command 'foo', with args beginning with: 'a' 'b c' "},
      {"GET", "-ERR wrong number of arguments for 'get' command"},
      {"GET a b", "-ERR wrong number of arguments for 'get' command"},
      {"DEL", "-ERR wrong number of arguments for 'del' command"},
      {"HMGET h", "-ERR wrong number of arguments for 'hmget' command"},
      {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
      {"CLIENT", "-ERR wrong number of arguments for 'client' command"},
      {"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."},
      {"CLIENT TRACKING", "-ERR wrong number of arguments for 'client|tracking' command"},
      {"CLIENT SETNAME fastmeta", "+OK"},
      {"SCAN x", "-ERR invalid cursor"},
      {"SCAN 0 COUNT 0", "-ERR syntax error"},
      {"SCAN 0 COUNT x", kNotInteger},
      {"SCAN 0 FOO 1", "-ERR syntax error"},
      {"FLUSHALL x", "-ERR syntax error"},
      {"FLUSHDB SYNC x", "-ERR syntax error"},
      {"FLUSHALL ASYNC", "+OK"},
  });
}

// Every name that was there from the first step to the last, whatever else came and went.
TEST(ModelCommands, AScanTellsWhatIsThereThroughout) {
  RedisModel model;
  auto connection = model.connect();
  for (int i = 0; i < 1000; ++i) {
    connection->execute({"HSET", "h", "f" + std::to_string(i), "v"});
    connection->execute({"SET", "k" + std::to_string(i), "v"});
  }
  for (const redis::Command& scan : {redis::Command{"HSCAN", "h"}, redis::Command{"SCAN"}}) {
    std::set<std::string> seen;
    std::string cursor = "0";
    int steps = 0;
    do {
      redis::Command step = scan;
      step.insert(step.end(), {cursor, "COUNT", "50"});
      const redis::Reply page = connection->execute(step);
      cursor = page.items[0].text;
      for (const auto& item : page.items[1].items) seen.insert(item.text);
      connection->execute({"HDEL", "h", "f" + std::to_string(steps)});
      connection->execute({"HSET", "h", "new" + std::to_string(steps), "v"});
      connection->execute({"DEL", "k" + std::to_string(steps)});
      connection->execute({"SET", "new" + std::to_string(steps), "v"});
      ++steps;
    } while (cursor != "0");
    EXPECT_GE(steps, 20);
    const std::string mark = scan.size() == 2 ? "f" : "k";
    for (int i = steps; i < 1000; ++i) EXPECT_TRUE(seen.contains(mark + std::to_string(i)));
  }
}

// What decides is the size that a hash has ever had.
TEST(ModelCommands, HscanAnswersASmallHashAtOnceAndALargeOneInSteps) {
  RedisServer server;
  RedisModel model;
  RealConnection there(server.port());
  auto here = model.connect();
  const auto at_once = [&](const char* what, bool expected) {
    const redis::Command scan{"HSCAN", "h", "0", "COUNT", "1"};
    EXPECT_EQ(there.execute(scan).items[0].text == "0", expected) << "the server: " << what;
    EXPECT_EQ(here->execute(scan).items[0].text == "0", expected) << "the model: " << what;
  };
  const auto both = [&](const redis::Command& command) {
    EXPECT_EQ(show(here->execute(command)), show(there.execute(command)));
  };
  for (int i = 0; i < 512; ++i) both({"HSET", "h", std::to_string(i), "v"});
  at_once("512 fields", true);
  both({"HINCRBY", "h", "n", "1"});
  at_once("513 fields", false);
  for (int i = 10; i < 512; ++i) both({"HDEL", "h", std::to_string(i)});
  at_once("grown small again", false);
  both({"DEL", "h"});
  for (int i = 0; i < 100; ++i) both({"HSET", "h", std::to_string(i), std::string(64, 'v')});
  at_once("values of 64 bytes", true);
  both({"HSET", "h", "0", std::string(65, 'v')});
  at_once("a value of 65 bytes", false);
  both({"DEL", "h"});
  for (int i = 0; i < 100; ++i) both({"HSET", "h", std::to_string(i), "v"});
  both({"HINCRBY", "h", std::string(65, 'f'), "1"});
  at_once("a field of 65 bytes", false);
}

}  // namespace
}  // namespace fastmeta::test
