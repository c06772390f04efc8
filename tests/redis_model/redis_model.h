// SPDX-License-Identifier: GPL-3.0-or-later
// A deterministic model of redis-server 7.0 in memory, for tests of one thread: it carries
// out one command at a time, at once, with no socket or chance. It speaks RESP3, in
// the form that ReplyReader gives, and has the commands that the project sends; the random
// test in unit/redis_model holds it against the real server.
//
// Turns. The real server reads from several connections, carries out what they sent, and
// only then, before it sleeps, tells of the keys that this turn of its loop has changed
// (CLIENT TRACKING ... BCAST). So, within one turn:
//  (1) invalidations come behind the replies to the connection's own commands, also behind
//      that of EXEC, and behind a GET that already saw another's change;
//  (2) there is one message per tracked prefix, its keys once each and in order;
//  (3) NOLOOP hides a key that the connection itself was the last to change, even when
//      another one changed it before in that turn; what a script has changed counts as
//      another's change and is told also to the connection that ran it.
// Across turns: a change that was replied to is told in front of every reply of a later
// turn. FLUSHALL is told (as nil) at once to other connections, and to the one that sent it
// right behind the reply (behind that of EXEC); NOLOOP does not matter.
// Each execute() is a turn of its own unless a Turn object lives.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/reply.h"
#include "redis_model/commands.h"
#include "redis_model/keyspace.h"

namespace fastmeta::test {

class RedisModel;
class Script;

// What the server says unasked: "invalidate" and an array of keys, or nil for a flush.
struct Push {
  redis::Reply message;
  uint64_t replies_before = 0;  // replies of this connection that it comes behind
};

// A client's connection as the server has it. Closed by its end.
class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Ends the process when the server has dropped the connection.
  redis::Reply execute(const redis::Command& command);
  // Those since the last call, in order; also after the connection was dropped.
  std::vector<Push> take_pushes() { return std::exchange(pushes_, {}); }
  // How many commands were executed.
  uint64_t replies() const { return replies_; }
  bool alive() const { return server_ != nullptr; }

 private:
  friend class RedisModel;
  Connection(RedisModel& server, uint64_t id) : server_(&server), id_(id) {}

  void push(redis::Reply what);
  void end_transaction();

  RedisModel* server_;
  const uint64_t id_;
  uint64_t replies_ = 0;
  std::vector<Push> pushes_;

  bool queues_ = false;       // after MULTI
  bool is_refused_ = false;   // a command could not be queued
  bool is_outdated_ = false;  // a watched key has changed
  std::vector<redis::Command> queue_;
  std::set<std::string, std::less<>> watched_;

  bool tracks_ = false;
  bool noloop_ = false;
  int flushes_ = 0;  // its own, still to be told
  std::set<std::string, std::less<>> prefixes_;
};

class RedisModel {
 public:
  RedisModel();
  ~RedisModel();
  RedisModel(const RedisModel&) = delete;
  RedisModel& operator=(const RedisModel&) = delete;

  std::unique_ptr<Connection> connect();

  // A command has changed this key; the others of its transaction may not be carried out yet.
  std::function<void(const std::string& key)> on_change;

  // It is in no state to carry out commands that ask for this much, or more: a replica
  // ("READONLY …"), one without memory ("OOM …"), one that loads ("LOADING …"). A script is
  // refused where it first asks for it, as the server does.
  struct Refusal {
    std::string text;
    Demand from;
  };
  std::optional<Refusal> refusal;

  // The time of its machine, in seconds.
  std::function<int64_t()> clock = [] { return 0; };

  // What is executed while it lives, on whichever connections, is one turn of the server.
  class Turn {
   public:
    explicit Turn(RedisModel& server) : server_(server) { ++server_.turns_; }
    ~Turn() {
      if (--server_.turns_ == 0) server_.tell_changes();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    RedisModel& server_;
  };

  Keyspace snapshot() const { return keys_; }
  // As a server that starts with these contents: every connection is dropped.
  void restore(Keyspace keys);
  void restart() { restore(snapshot()); }

  // Null when there is no such key.
  const Value* find(std::string_view key) const;
  // In order; with the key and its Value.
  template <typename Visit>
  void for_each_key(Visit&& visit) const {
    for (const auto& [key, value] : keys_) visit(key, value);
  }

 private:
  friend class Connection;
  struct Entry;  // of the table of commands

  static const Entry* find_entry(const redis::Command& command);

  redis::Reply process(Connection& by, const redis::Command& command);
  redis::Reply carry_out(Connection& by, const Entry& entry, const redis::Command& command,
                         uint64_t writer);
  redis::Reply from_script(Connection& by, const redis::Command& command, bool& changes);
  bool asks_too_much(const Connection& by, const Entry& entry) const;
  redis::Reply refuse(Connection& by, redis::Reply why);

  redis::Reply multi(Connection& by, const redis::Command& command);
  redis::Reply exec(Connection& by, const redis::Command& command);
  redis::Reply discard(Connection& by, const redis::Command& command);
  redis::Reply watch(Connection& by, const redis::Command& command);
  redis::Reply unwatch(Connection& by, const redis::Command& command);
  redis::Reply eval(Connection& by, const redis::Command& command);
  redis::Reply ping(Connection& by, const redis::Command& command);
  redis::Reply time(Connection& by, const redis::Command& command);
  redis::Reply flush(Connection& by, const redis::Command& command);
  redis::Reply set_name(Connection& by, const redis::Command& command);
  redis::Reply tracking(Connection& by, const redis::Command& command);
  std::optional<redis::Reply> overlap(const Connection& by,
                                      const std::vector<std::string>& wanted) const;

  void changed(const std::string& key, uint64_t writer);
  void tell_changes();
  void untrack(Connection& connection);

  Keyspace keys_;
  std::map<uint64_t, Connection*> connections_;
  uint64_t last_id_ = 0;
  int turns_ = 0;
  // Tracked prefix -> key changed in this turn -> who changed it last (0: a script).
  std::map<std::string, std::map<std::string, uint64_t>> changes_;
  std::unique_ptr<Script> script_;
};

}  // namespace fastmeta::test
