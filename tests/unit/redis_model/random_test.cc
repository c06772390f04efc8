// SPDX-License-Identifier: GPL-3.0-or-later
// The same random commands on several connections, to a real server and to the model: the
// same replies, and the same pushes in the same places.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <thread>

#include "engine/fastmeta/batch_script.h"
#include "engine/fetcher.h"
#include "real_connection.h"
#include "redis_model/replies.h"
#include "support/redis_server.h"
#include "support/scripted_server.h"
#include "support/seed.h"

namespace fastmeta::test {
namespace {

using redis::Command;
using redis::Reply;

constexpr int kConnections = 4;
constexpr int kSteps = 12000;
constexpr const char* kPassOn = "return redis.call(unpack(ARGV))";
constexpr const char* kTry = "local r = redis.pcall(unpack(ARGV)) return r";

std::string capitals(std::string s) {
  for (char& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return s;
}

// What has no order of its own is sorted, in steps of so many items.
void sort_items(std::vector<Reply>& items, size_t step) {
  std::vector<std::vector<Reply>> groups;
  for (size_t i = 0; i + step <= items.size(); i += step)
    groups.emplace_back(items.begin() + long(i), items.begin() + long(i + step));
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return show(a[0]) < show(b[0]); });
  items.clear();
  for (auto& group : groups) items.insert(items.end(), group.begin(), group.end());
}

void normalise(const Command& command, Reply& reply) {
  const std::string name = capitals(command[0]);
  if (name == "EVAL" && command.size() > 3 && (command[1] == kPassOn || command[1] == kTry))
    return normalise(Command(command.begin() + 3, command.end()), reply);
  if (reply.kind != Reply::Kind::kArray) return;
  if (name == "HGETALL") sort_items(reply.items, 2);
  if (name == "SMEMBERS" || name == "HKEYS" || name == "HVALS") sort_items(reply.items, 1);
  const bool scans = name == "SCAN" || name == "HSCAN";
  if (scans && reply.items.size() == 2)
    sort_items(reply.items[1].items, name == "HSCAN" ? 2 : 1);
}

// A server that can be stopped for as long as it takes to send it what it will find, and
// carry out in one turn, when it goes on.
class StoppableServer : public RedisServer {
 public:
  StoppableServer() {
    const std::string info = ask("INFO server");
    pid_ = std::stoi(info.substr(info.find("process_id:") + 11));
  }
  void stop() {
    freeze();
    for (;;) {
      std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
      std::string line;
      std::getline(file, line);
      if (line.find(") T ") != std::string::npos) return;
      std::this_thread::yield();
    }
  }

 private:
  int pid_ = 0;
};

class Pair {
 public:
  Pair(StoppableServer& server, RedisModel& model) : server_(server), model_(model) {
    for (int i = 0; i < kConnections; ++i) connect(i);
  }

  void connect(int at) {
    Side& side = sides_[at];
    finish(at);
    side = Side{std::make_unique<RealConnection>(server_.port()), model_.connect(), {}, {}, {}};
    note(std::to_string(at) + ": connected");
  }

  // One command on its own.
  void run(int at, const Command& command) { turn({{at, {command}}}, false); }

  // In one turn of the server; in this order. Each connection once.
  void turn(const std::vector<std::pair<int, std::vector<Command>>>& said, bool stopped = true) {
    if (stopped) server_.stop();
    for (const auto& [at, commands] : said) sides_[at].real->send(commands);
    if (stopped) server_.thaw();
    std::vector<std::vector<Reply>> replies;
    {
      RedisModel::Turn turn(model_);
      for (const auto& [at, commands] : said) {
        replies.emplace_back();
        for (const Command& command : commands)
          replies.back().push_back(sides_[at].modelled->execute(command));
      }
    }
    for (size_t i = 0; i < said.size(); ++i) {
      const auto& [at, commands] = said[i];
      for (size_t j = 0; j < commands.size(); ++j)
        compare(at, commands[j], replies[i][j], sides_[at].real->receive());
      compare_pushes(at);
    }
    if (stopped) note("(one turn)");
  }

  // The whole of a scan, step by step; the two may take different numbers of steps.
  void scan(int at, Command command, size_t names_step) {
    run(at, {"PING"});  // no push is on its way while the numbers of replies differ
    Reply all[2] = {array(), array()};
    for (const bool is_real : {false, true}) {
      std::string cursor = "0";
      std::vector<Reply>& items = all[is_real].items;
      do {
        Command step = command;
        step.insert(step.begin() + (names_step == 2 ? 2 : 1), cursor);
        const Reply page =
            is_real ? sides_[at].real->execute(step) : sides_[at].modelled->execute(step);
        if (page.kind != Reply::Kind::kArray) {
          items = {page};
          cursor = "0";
        } else {
          items.insert(items.end(), page.items[1].items.begin(), page.items[1].items.end());
          cursor = page.items[0].text;
        }
        ++(is_real ? sides_[at].more_real : sides_[at].more_modelled);
      } while (cursor != "0");
      sort_items(items, items.size() % names_step == 0 ? names_step : 1);
    }
    note(std::to_string(at) + ": " + show_command(command) + " (all of it)");
    check(show(all[1]), show(all[0]));
  }

  bool is_queueing(int at) const { return sides_[at].queues; }

  void finish(int at) {
    if (!sides_[at].real) return;
    if (sides_[at].queues) run(at, {"DISCARD"});
    run(at, {"PING"});
  }

  bool failed() const { return failed_; }

 private:
  struct Side {
    std::unique_ptr<RealConnection> real;
    std::unique_ptr<Connection> modelled;
    std::vector<Push> real_pushes, modelled_pushes;
    std::vector<Command> queue;
    bool queues = false;
    uint64_t more_real = 0, more_modelled = 0;  // replies to steps of scans
  };

  static std::string show_command(const Command& command) {
    Reply reply = array();
    for (const std::string& word : command) reply.items.push_back(text(word.substr(0, 60)));
    return show(reply);
  }

  void note(std::string what) {
    history_.push_back(std::move(what));
    if (history_.size() > 40) history_.pop_front();
  }

  void check(const std::string& real, const std::string& modelled) {
    if (real == modelled || failed_) return;
    failed_ = true;
    std::string before;
    for (const std::string& line : history_) before += line + "\n";
    ADD_FAILURE() << before << "the server: " << real << "\nthe model:  " << modelled;
  }

  void compare(int at, const Command& command, Reply modelled, Reply real) {
    Side& side = sides_[at];
    const std::string name = capitals(command[0]);
    if (name == "EXEC") {
      for (size_t i = 0; i < side.queue.size(); ++i) {
        if (i < real.items.size()) normalise(side.queue[i], real.items[i]);
        if (i < modelled.items.size()) normalise(side.queue[i], modelled.items[i]);
      }
    } else if (!side.queues) {
      normalise(command, real);
      normalise(command, modelled);
    }
    note(std::to_string(at) + ": " + show_command(command) + " -> " + show(real));
    check(show(real), show(modelled));
    if (real.kind == Reply::Kind::kStatus && real.text == "QUEUED") side.queue.push_back(command);
    if (name == "MULTI" && !real.is_error()) side.queues = true;
    if (name == "EXEC" || (name == "DISCARD" && !real.is_error())) {
      side.queues = false;
      side.queue.clear();
    }
  }

  // Those in front of the last reply: the ones behind it are seen with the next.
  void compare_pushes(int at) {
    Side& side = sides_[at];
    for (Push& push : side.real->take_pushes()) {
      push.replies_before -= side.more_real;
      side.real_pushes.push_back(std::move(push));
    }
    for (Push& push : side.modelled->take_pushes()) {
      push.replies_before -= side.more_modelled;
      side.modelled_pushes.push_back(std::move(push));
    }
    const uint64_t last = side.modelled->replies() - side.more_modelled;
    std::string real, modelled;
    for (const Push& push : side.real_pushes) real += show(push) + "; ";
    std::vector<Push> later;
    for (const Push& push : side.modelled_pushes) {
      if (push.replies_before < last)
        modelled += show(push) + "; ";
      else
        later.push_back(push);
    }
    side.real_pushes.clear();
    side.modelled_pushes = std::move(later);
    pushes_ += !modelled.empty();
    check("told " + real, "told " + modelled);
  }

  StoppableServer& server_;
  RedisModel& model_;
  Side sides_[kConnections];
  std::deque<std::string> history_;
  bool failed_ = false;

 public:
  uint64_t pushes_ = 0;  // how often anything was told
};

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
                                              "1e-5", "-0", "12345678901234567890", "0x10"};
    return dice_.one_in(6) ? dice_.pick(odd)
                           : std::to_string(static_cast<int64_t>(dice_.below(9)) - 4);
  }
  std::string bound() { return (dice_.one_in(3) ? "(" : "") + score(); }

  Command on_sorted_set() {
    switch (dice_.below(6)) {
      case 0: {
        Command out{"ZADD", key('z')};
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
  for (int step = 0; step < kSteps && !pair.failed(); ++step) {
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
        // The order in which a server reads from several is its own: see connections_test.cc.
        if (!said.empty()) break;
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
    EXPECT_GT(pair.pushes_, kSteps / 100) << "the test itself: nearly nothing was told";
  }
}

// The EVAL that the fetcher sends for an entry of a directory.
std::string lookup_script() {
  std::string found;
  ScriptedServer server([&](size_t, const ScriptedServer::Words& command) {
    if (command[0] != "EVAL") return std::optional(ScriptedServer::usual(command));
    found = command[1];
    return std::optional<std::string>("*0\r\n");
  });
  redis::ClientOptions options;
  options.address = *redis::parse_address(server.url());
  auto client = redis::Client::open(options, Log());
  MDP_CHECK(client && (*client)->start({}));
  const model::KeySpace keys;
  engine::Fetcher fetcher(**client, keys, 64);
  const model::ReadKey entry{model::ReadKind::kField, keys.dir(1), "name", true};
  MDP_CHECK(fetcher.fetch(std::span(&entry, 1), (*client)->deadline()));
  (*client)->stop();
  MDP_CHECK(!found.empty());
  return found;
}

std::string big_endian(uint64_t n, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(n >> (8 * i)));
  return out;
}

class ProjectScripts {
 public:
  explicit ProjectScripts(Dice& dice) : dice_(dice) {}

  std::string attr_key() { return "i" + std::to_string(dice_.below(4)); }
  std::string dir_key() { return "d" + std::to_string(dice_.below(3)); }
  std::string name() { return "n" + std::to_string(dice_.below(4)); }

  // Of a directory, now and then not of its length.
  std::string attr() {
    std::string out(dice_.one_in(15) ? 30 : 60, 'a');
    for (uint64_t n = dice_.below(3); n > 0; --n)
      out[dice_.below(out.size())] = static_cast<char>(dice_.below(256));
    return out;
  }
  std::string entry() {
    if (dice_.one_in(10)) return std::string(dice_.below(12), 'e');
    const uint64_t ino = dice_.one_in(6) ? (uint64_t{1} << 52) - 2 + dice_.below(4)
                                         : dice_.below(5);
    return "\1" + big_endian(dice_.one_in(20) ? ~uint64_t{0} : ino, 8);
  }

  Command preparation() {
    switch (dice_.below(7)) {
      case 0: return {"SET", attr_key(), attr()};
      case 1: return {"HSET", dir_key(), name(), entry()};
      case 2: return {"RPUSH", "c" + std::to_string(dice_.below(2)), "slice"};
      case 3: return {"SADD", "locked1", dir_key()};
      case 4: return {"DEL", attr_key(), dir_key()};
      case 5: return {"SET", dice_.one_in(30) ? dir_key() : "cursor", "7"};
      default: return {"HSET", attr_key(), "wrong", "type"};
    }
  }

  Command lookup(const std::string& script) {
    // The order of more than one entry of a directory is nobody's business.
    return {"EVAL", script, "1", dice_.one_in(15) ? attr_key() : dir_key(), name(), "",
            dice_.one_in(2) ? "0" : "1"};
  }

  // What is compared is mostly what is there.
  Command batch(const std::string& script, Connection& model) {
    Command out{"EVAL", script, "0"};
    const auto text_of = [&](const Command& command) { return model.execute(command).text; };
    const uint64_t compared = dice_.below(4);
    out.push_back(std::to_string(compared));
    for (uint64_t i = 0; i < compared; ++i) {
      const std::string key = attr_key(), dir = dir_key(), field = name();
      const bool lies = dice_.one_in(12);
      const auto there = [&](const std::string& now) { return now.empty() == lies ? "1" : "0"; };
      switch (dice_.below(6)) {
        case 0: {
          const std::string now = text_of({"GET", key});
          out.insert(out.end(), {"s", key, "", there(now), now});
          break;
        }
        case 1: {
          const std::string now = text_of({"HGET", dir, field});
          out.insert(out.end(), {"f", dir, field, there(now), now});
          break;
        }
        case 2: {
          std::string now = text_of({"GET", key});
          if (now.size() > 40) now[dice_.below(lies ? now.size() : 20) + (lies ? 0 : 23)] = '!';
          out.insert(out.end(), {"d", key, "", "1", now});
          break;
        }
        case 3: {
          const auto count = model.execute({"HLEN", dir}).number + lies;
          out.insert(out.end(), {"h", dir, "", "1", std::to_string(count)});
          break;
        }
        case 4: {
          const auto count = model.execute({"LLEN", "c1"}).number + lies;
          out.insert(out.end(), {"l", "c1", "", "1", std::to_string(count)});
          break;
        }
        default: out.insert(out.end(), {"m", "locked1", dir, "1", ""});
      }
    }
    const uint64_t writes = dice_.below(5);
    out.push_back(std::to_string(writes));
    for (uint64_t i = 0; i < writes; ++i) {
      if (dice_.one_in(3)) {
        out.insert(out.end(), {"p", attr_key(), std::to_string(int(dice_.below(3)) - 1), attr()});
        continue;
      }
      Command write;
      switch (dice_.below(6)) {
        case 0: write = {"SET", "cursor", std::to_string(dice_.below(9))}; break;
        case 1: write = {"HSET", dir_key(), name(), entry()}; break;
        case 2: write = {"HDEL", dir_key(), name()}; break;
        case 3: write = {"INCRBY", dice_.one_in(4) ? dir_key() : "used", "-3"}; break;
        case 4: write = {"RPUSHX", "c1", "slice"}; break;
        default: write = {"HSETNX", dir_key(), name(), entry()};
      }
      out.insert(out.end(), {"x", std::to_string(write.size())});
      out.insert(out.end(), write.begin(), write.end());
    }
    return out;
  }

 private:
  Dice& dice_;
};

TEST(RedisModelRandom, RunsTheScriptsOfTheProjectAsTheServer) {
  const uint64_t seed = random_seed();
  SCOPED_TRACE("FASTMETA_SEED=" + std::to_string(seed));
  Dice dice(seed);
  ProjectScripts scripts(dice);
  const std::string lookup = lookup_script();
  const std::string batch = engine::script_command({}, {}, "cursor", {}, {})[1];
  StoppableServer server;
  RedisModel model;
  auto look = model.connect();
  Pair pair(server, model);
  pair.run(0, {"CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP", "PREFIX", "i", "PREFIX", "d"});
  for (int step = 0; step < kSteps && !pair.failed(); ++step) {
    const int at = static_cast<int>(dice.below(2));
    switch (dice.below(4)) {
      case 0: pair.run(at, scripts.preparation()); break;
      case 1: pair.run(at, scripts.lookup(lookup)); break;
      default: pair.run(at, scripts.batch(batch, *look));
    }
  }
  if (!pair.failed()) {
    EXPECT_GT(pair.pushes_, kSteps / 100) << "the test itself: nearly nothing was told";
  }
}

}  // namespace
}  // namespace fastmeta::test
