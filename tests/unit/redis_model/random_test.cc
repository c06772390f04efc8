// SPDX-License-Identifier: GPL-3.0-or-later
// Random commands on several connections.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pair.h"
#include "support/seed.h"

namespace fastmeta::test {
namespace {

class Commands {
 public:
  explicit Commands(Dice& dice) : dice_(dice) {}

  Command any(bool in_script = false) {
    if (dice_.one_in(40)) return broken();
    if (!in_script && dice_.one_in(8)) return script();
    if (!in_script && dice_.one_in(150)) return {dice_.pick(kFlushes)};
    switch (dice_.below(5)) {
      case 0: return on_string();
      case 1: return on_hash();
      case 2: return on_list();
      case 3: return on_set();
      default: return on_sorted_set();
    }
  }

  Command tracking() {
    Command out{"CLIENT", "TRACKING", dice_.one_in(6) ? "OFF" : "ON", "BCAST"};
    if (dice_.one_in(2)) out.push_back("NOLOOP");
    std::vector<std::string> prefixes{"s", "h", "l", "z", "t"};
    if (dice_.one_in(3)) out.insert(out.end(), {"PREFIX", dice_.one_in(2) ? "s1" : ""});
    // Only the first may clash with another: the model does not have what then happens.
    for (uint64_t n = dice_.below(3); n > 0; --n) {
      const size_t at = dice_.below(prefixes.size());
      out.insert(out.end(), {"PREFIX", prefixes[at]});
      prefixes.erase(prefixes.begin() + long(at));
    }
    return out;
  }

  // In a tenth of all cases one of another type.
  std::string key(char type) {
    if (dice_.one_in(10)) type = "shltz"[dice_.below(5)];
    return std::string(1, type) + std::to_string(dice_.below(3));
  }
  std::string word() {
    static const std::vector<std::string> odd{"", " 1", "-0", "9223372036854775807", "1.5",
                                              std::string("a\0b", 3), std::string(70, 'x')};
    return dice_.one_in(15) ? dice_.pick(odd) : "m" + std::to_string(dice_.below(6));
  }
  std::string integer() {
    static const std::vector<std::string> odd{"x", "", "+1", "01", "9223372036854775807",
                                              "-9223372036854775808", "9223372036854775808"};
    if (dice_.one_in(20)) return dice_.pick(odd);
    return std::to_string(static_cast<int64_t>(dice_.below(12)) - 5);
  }

 private:
  static constexpr const char* kFlushes[] = {"FLUSHALL", "FLUSHDB"};

  Command with(Command out, std::function<std::string()> more, uint64_t times) {
    for (; times > 0; --times) out.push_back(more());
    return out;
  }
  std::function<std::string()> words() {
    return [this] { return word(); };
  }

  Command broken() {
    static const std::vector<Command> all{
        {"FOO"}, {"foo", "a", "b\r\nc"}, {"GET"}, {"HSET", "h0", "f"},
        {"HSET", "h0", "f", "v", "g"},
        {"ZADD", "z0", "1", "a", "2"}, {"CLIENT"}, {"CLIENT", "FOO"}, {"CLIENT", "TRACKING"},
        {"EVAL", "return 1", "x"}, {"EVAL", "return 1", "3"}, {"EVAL", "bad bad", "0"},
        {"SCAN", "x"}, {"SCAN", "0", "COUNT", "0"}, {"UNWATCH", "x"}, {"PING", "a", "b"},
        {"MULTI", "x"}, {"DISCARD", "x"}, {"EXEC", "x"}, {"FLUSHALL", "x"}, {"LTRIM", "l0", "1"}};
    return dice_.pick(all);
  }

  Command on_string() {
    switch (dice_.below(8)) {
      case 0: return {"GET", key('s')};
      case 1: return {"SET", key('s'), dice_.one_in(2) ? integer() : word()};
      case 2: return {"SETNX", key('s'), integer()};
      case 3: return with({"MGET", key('s')}, [this] { return key('s'); }, dice_.below(3));
      case 4: return {"INCRBY", key('s'), integer()};
      case 5:
        return with({dice_.one_in(2) ? "DEL" : "UNLINK", any_key()}, [this] { return any_key(); },
                    dice_.below(2));
      case 6: return with({"EXISTS", any_key()}, [this] { return any_key(); }, dice_.below(3));
      default: return {"TYPE", any_key()};
    }
  }
  std::string any_key() { return key("shltz"[dice_.below(5)]); }

  Command on_hash() {
    switch (dice_.below(12)) {
      case 0: return {"HGET", key('h'), word()};
      case 1: return with({"HSET", key('h'), word()}, words(), 1 + 2 * dice_.below(3));
      case 2: return {"HSET", key('h'), word(), integer()};
      case 3: return {"HSETNX", key('h'), word(), integer()};
      case 4: return with({"HDEL", key('h'), word()}, words(), dice_.below(4));
      case 5: return {"HGETALL", key('h')};
      case 6: return {"HLEN", key('h')};
      case 7: return with({"HMGET", key('h'), word()}, words(), dice_.below(3));
      case 8: return {"HEXISTS", key('h'), word()};
      case 9: return {"HINCRBY", key('h'), word(), integer()};
      case 10: return {dice_.one_in(2) ? "HKEYS" : "HVALS", key('h')};
      default: return {"HSCAN", key('h'), "0", "COUNT", "5000"};
    }
  }

  Command on_list() {
    switch (dice_.below(7)) {
      case 0: return {"LRANGE", key('l'), integer(), integer()};
      case 1: return {"LRANGE", key('l'), "0", "-1"};
      case 2: return {"LLEN", key('l')};
      case 3: return with({"RPUSH", key('l'), word()}, words(), dice_.below(3));
      case 4: return with({"RPUSHX", key('l'), word()}, words(), dice_.below(3));
      case 5: return with({"LPUSH", key('l'), word()}, words(), dice_.below(3));
      default: return {"LTRIM", key('l'), integer(), dice_.one_in(2) ? "-1" : integer()};
    }
  }

  Command on_set() {
    switch (dice_.below(5)) {
      case 0: return with({"SADD", key('t'), word()}, words(), dice_.below(3));
      case 1: return with({"SREM", key('t'), word()}, words(), dice_.below(3));
      case 2: return {"SMEMBERS", key('t')};
      case 3: return {"SISMEMBER", key('t'), word()};
      default: return {"SCARD", key('t')};
    }
  }

  std::string score() {
    static const std::vector<std::string> odd{"inf", "-inf", "nan", "", "x", "1e400", "0.1", " 1",
                                              "1e-5", "12345678901234567890", "0x10"};
    return dice_.one_in(6) ? dice_.pick(odd)
                           : std::to_string(static_cast<int64_t>(dice_.below(9)) - 4);
  }
  std::string bound() { return (dice_.one_in(3) ? "(" : "") + score(); }

  Command on_sorted_set() {
    switch (dice_.below(6)) {
      case 0: {
        Command out{"ZADD", key('z')};
        if (dice_.one_in(4)) out.push_back("XX");
        for (uint64_t n = 1 + dice_.below(3); n > 0; --n) out.insert(out.end(), {score(), word()});
        return out;
      }
      case 1: return with({"ZREM", key('z'), word()}, words(), dice_.below(3));
      case 2: return {"ZSCORE", key('z'), word()};
      case 3: return {"ZCARD", key('z')};
      case 4: return {"ZRANGEBYSCORE", key('z'), "-inf", score(), "LIMIT", integer(), integer()};
      default: return {"ZRANGEBYSCORE", key('z'), bound(), bound()};
    }
  }

  Command script() {
    Command inner = any(true);
    if (dice_.one_in(20)) inner = {"MULTI"};
    if (dice_.one_in(20)) inner = {"FLUSHALL"};
    if (dice_.one_in(6)) {
      Command out{"EVAL",
                  "redis.call('SET', KEYS[1], 'x') redis.call(unpack(ARGV)) "
                  "return redis.call('HINCRBY', KEYS[2], 'n', 1.0)",
                  "2", key('s'), key('h')};
      out.insert(out.end(), inner.begin(), inner.end());
      return out;
    }
    Command out{"EVAL", dice_.one_in(2) ? kPassOn : kTry, "0"};
    out.insert(out.end(), inner.begin(), inner.end());
    return out;
  }

  Dice& dice_;
};

TEST(RedisModelRandom, AnswersAsTheServer) {
  const uint64_t seed = random_seed();
  SCOPED_TRACE("FASTMETA_SEED=" + std::to_string(seed));
  Dice dice(seed);
  Commands commands(dice);
  StoppableServer server;
  RedisModel model;
  Pair pair(server, model);
  const auto control = [&](int at) -> Command {
    if (pair.is_queueing(at)) {
      if (dice.one_in(12)) return {"DISCARD"};
      if (dice.one_in(12)) return {"MULTI"};
      if (dice.one_in(12)) return {"UNWATCH"};
      return {"EXEC"};
    }
    if (dice.one_in(10)) return {dice.one_in(2) ? "EXEC" : "UNWATCH"};
    if (dice.one_in(2)) return {"WATCH", commands.key('s'), commands.key('h')};
    return {"MULTI"};
  };
  for (uint64_t step = 0; step < kSteps && !pair.failed(); ++step) {
    const int at = static_cast<int>(dice.below(kConnections));
    const uint64_t what = dice.below(400);
    if (what < 90) {
      pair.run(at, control(at));
    } else if (what < 100) {
      pair.run(at, commands.tracking());
    } else if (what < 102) {
      pair.connect(at);
    } else if (what < 106 && !pair.is_queueing(at)) {
      pair.scan(at, {"SCAN", "COUNT", std::to_string(1 + dice.below(5)), "MATCH", "*1"}, 1);
    } else if (what < 110 && !pair.is_queueing(at)) {
      pair.scan(at, {"HSCAN", commands.key('h'), "COUNT", std::to_string(1 + dice.below(5))}, 2);
    } else if (what < 112) {
      Command large{"HSET", commands.key('h')};
      for (int i = 0; i < 200; ++i)
        large.insert(large.end(), {"f" + std::to_string(dice.below(1000)), "v"});
      pair.run(at, large);
    } else if (what < 130) {
      std::vector<std::pair<int, std::vector<Command>>> said;
      for (int n = 0; n < kConnections; ++n) {
        if (dice.one_in(3)) continue;
        auto& batch = said.emplace_back((at + n) % kConnections, std::vector<Command>());
        for (uint64_t k = 1 + dice.below(4); k > 0; --k) {
          const bool controls = dice.one_in(4);
          batch.second.push_back(controls ? control(batch.first) : commands.any());
        }
      }
      pair.turn(said);
    } else {
      pair.run(at, commands.any());
    }
  }
  for (int at = 0; at < kConnections && !pair.failed(); ++at) pair.finish(at);
  if (!pair.failed()) {
    EXPECT_GT(pair.told(), kSteps / 100) << "the test itself: nearly nothing was told";
  }
}

}  // namespace
}  // namespace fastmeta::test
