// SPDX-License-Identifier: GPL-3.0-or-later
// The scripts that the project sends, with random arguments.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "engine/fastmeta/batch_script.h"
#include "engine/fetcher.h"
#include "pair.h"
#include "support/scripted_server.h"
#include "support/seed.h"
#include "util/check.h"

namespace fastmeta::test {
namespace {

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
  for (uint64_t step = 0; step < kSteps && !pair.failed(); ++step) {
    const int at = static_cast<int>(dice.below(2));
    switch (dice.below(4)) {
      case 0: pair.run(at, scripts.preparation()); break;
      case 1: pair.run(at, scripts.lookup(lookup)); break;
      default: pair.run(at, scripts.batch(batch, *look));
    }
  }
  if (!pair.failed()) {
    EXPECT_GT(pair.told(), kSteps / 100) << "the test itself: nearly nothing was told";
  }
}

}  // namespace
}  // namespace fastmeta::test
