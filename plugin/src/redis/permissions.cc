// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/permissions.h"

#include <span>

#include "redis/error_code.h"

namespace fastmeta::redis {
namespace {

// Not a key of a volume, so that no mishap could touch one.
constexpr const char* kKey = "fastmeta:probe";

// What the queue depends on comes first and alone: where MULTI is refused, what
// follows it would be executed. EXEC and DISCARD have nothing to act on here.
std::vector<Command> of_transactions() {
  return {{"WATCH", kKey}, {"UNWATCH"}, {"EXEC"}, {"DISCARD"}, {"MULTI"}};
}

std::vector<Command> of_keys() {
  const std::string key = kKey;
  return {
      {"GET", key},
      {"MGET", key},
      {"EXISTS", key},
      {"SET", key, ""},
      {"DEL", key},
      {"INCRBY", key, "0"},
      {"HGET", key, ""},
      {"HGETALL", key},
      {"HEXISTS", key, ""},
      {"HKEYS", key},
      {"HVALS", key},
      {"HLEN", key},
      {"HSCAN", key, "0"},
      {"HSET", key, "", ""},
      {"HSETNX", key, "", ""},
      {"HDEL", key, ""},
      {"HINCRBY", key, "", "0"},
      {"LRANGE", key, "0", "0"},
      {"LLEN", key},
      {"LPUSH", key, ""},
      {"RPUSH", key, ""},
      {"RPUSHX", key, ""},
      {"LTRIM", key, "0", "-1"},
      {"ZADD", key, "0", ""},
      {"ZREM", key, ""},
      {"ZRANGEBYSCORE", key, "0", "0"},
      {"SADD", key, ""},
      {"SREM", key, ""},
      {"SMEMBERS", key},
      {"SISMEMBER", key, ""},
      {"DISCARD"},
  };
}

bool note_refused(std::span<const Command> commands, std::span<const Reply> replies,
                  std::vector<std::string>& names) {
  for (size_t i = 0; i < commands.size(); ++i) {
    if (replies[i].is_error() && error_code(replies[i]) == "NOPERM")
      names.push_back(commands[i].front());
  }
  return !names.empty();
}

}  // namespace

Result<std::vector<std::string>> find_refused(Connection& connection, Deadline deadline) {
  std::vector<std::string> names;
  std::vector<Command> commands = of_transactions();
  MDP_TRY(std::vector<Reply> first, connection.roundtrip(commands, deadline));
  if (note_refused(commands, first, names)) return names;
  if (first.back().is_error()) return refused(first.back(), "MULTI");

  commands = of_keys();
  MDP_TRY(std::vector<Reply> second, connection.roundtrip(commands, deadline));
  note_refused(commands, second, names);
  return names;
}

}  // namespace fastmeta::redis
