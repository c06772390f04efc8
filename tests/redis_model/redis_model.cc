// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis_model/redis_model.h"

#include <algorithm>

#include "redis_model/commands.h"
#include "redis_model/replies.h"
#include "redis_model/script.h"
#include "util/check.h"

namespace fastmeta::test {

using redis::Command;
using redis::Reply;

namespace {

constexpr uint64_t kScriptWriter = 0;

// As Redis quotes what it has been sent in an error: one line, up to a zero byte.
std::string one_line(std::string_view s, size_t bytes_max) {
  std::string out(s.substr(0, std::min(s.find('\0'), bytes_max)));
  for (char& c : out)
    if (c == '\r' || c == '\n') c = ' ';
  return out;
}

Reply unknown_command(const Command& command) {
  if (lower(command[0]) == "client")
    return error("ERR unknown subcommand '" + one_line(command[1], 128) + "'. Try CLIENT HELP.");
  constexpr size_t kArgumentsBytesMax = 128;
  std::string arguments;
  for (size_t i = 1; i < command.size() && arguments.size() < kArgumentsBytesMax; ++i)
    arguments += "'" + one_line(command[i], kArgumentsBytesMax - arguments.size()) + "' ";
  return error("ERR unknown command '" + one_line(command[0], 128) +
               "', with args beginning with: " + arguments);
}

}  // namespace

struct RedisModel::Entry {
  std::string_view name;  // with its container: client|tracking
  int arity;
  Reply (RedisModel::*run)(Connection&, const Command&) = nullptr;
  bool in_scripts = false;
  bool is_queued = true;
  Reply (*on_data)(Call&) = nullptr;
  // Nothing: it is about the connection only.
  std::optional<Demand> demand = std::nullopt;
};

const RedisModel::Entry* RedisModel::find_entry(const Command& command) {
  static const auto entries = [] {
    std::map<std::string_view, Entry> all;
    for (const Entry& entry : {
             Entry{"multi", 1, &RedisModel::multi, false, false},
             Entry{"exec", 1, &RedisModel::exec, false, false, nullptr, Demand::kAnswers},
             Entry{"discard", 1, &RedisModel::discard, false, false},
             Entry{"watch", -2, &RedisModel::watch, false, false},
             Entry{"unwatch", 1, &RedisModel::unwatch},
             Entry{"eval", -3, &RedisModel::eval, false, true, nullptr, Demand::kAnswers},
             Entry{"ping", -1, &RedisModel::ping, true, true, nullptr, Demand::kAnswers},
             Entry{"time", 1, &RedisModel::time, true, true, nullptr, Demand::kAnswers},
             Entry{"flushall", -1, &RedisModel::flush, true, true, nullptr, Demand::kChanges},
             Entry{"flushdb", -1, &RedisModel::flush, true, true, nullptr, Demand::kChanges},
             Entry{"client", -2},
             Entry{"client|setname", 3, &RedisModel::set_name},
             Entry{"client|tracking", -3, &RedisModel::tracking},
         })
      all.emplace(entry.name, entry);
    for (const DataCommand& data : data_commands())
      all.emplace(data.name,
                  Entry{data.name, data.arity, nullptr, true, true, data.run, data.demand});
    return all;
  }();
  auto at = entries.find(lower(command[0]));
  if (at != entries.end() && at->first == "client" && command.size() > 1)
    at = entries.find("client|" + lower(command[1]));
  return at == entries.end() ? nullptr : &at->second;
}

// --- Connections

void Connection::push(Reply what) {
  pushes_.push_back({array({text("invalidate"), std::move(what)}), replies_});
}

void Connection::end_transaction() {
  queues_ = is_refused_ = is_outdated_ = false;
  queue_.clear();
  watched_.clear();
}

Reply Connection::execute(const Command& command) {
  MDP_CHECK(server_ != nullptr);
  RedisModel::Turn turn(*server_);
  Reply reply = server_->process(*this, command);
  ++replies_;
  for (; flushes_ > 0; --flushes_) push(nil());
  return reply;
}

Connection::~Connection() {
  if (!server_) return;
  server_->untrack(*this);
  server_->connections_.erase(id_);
}

RedisModel::RedisModel() : script_(std::make_unique<Script>()) {}

RedisModel::~RedisModel() { restore({}); }

std::unique_ptr<Connection> RedisModel::connect() {
  std::unique_ptr<Connection> connection(new Connection(*this, ++last_id_));
  connections_.emplace(connection->id_, connection.get());
  return connection;
}

void RedisModel::restore(Keyspace keys) {
  MDP_CHECK(turns_ == 0);
  for (const auto& [id, connection] : connections_) connection->server_ = nullptr;
  connections_.clear();
  changes_.clear();
  keys_ = std::move(keys);
}

const Value* RedisModel::find(std::string_view key) const {
  const auto at = keys_.find(key);
  return at == keys_.end() ? nullptr : &at->second;
}

// --- From a command to its reply

Reply RedisModel::refuse(Connection& by, Reply why) {
  by.is_refused_ = by.queues_;
  return why;
}

Reply RedisModel::process(Connection& by, const Command& command) {
  MDP_CHECK(!command.empty());
  const Entry* entry = find_entry(command);
  if (!entry) return refuse(by, unknown_command(command));
  if (!arity_fits(entry->arity, command.size())) {
    Reply why = wrong_arity(std::string(entry->name));
    if (entry->name != "exec") return refuse(by, std::move(why));
    by.end_transaction();
    return error("EXECABORT Transaction discarded because of: " + why.text.substr(4));
  }
  if (asks_too_much(by, *entry)) {
    if (entry->name != "exec") return refuse(by, error(refusal->text));
    by.end_transaction();
    return error("EXECABORT Transaction discarded because of: " + refusal->text);
  }
  if (by.queues_ && entry->is_queued) {
    by.queue_.push_back(command);
    return status("QUEUED");
  }
  return carry_out(by, *entry, command, by.id_);
}

// EXEC asks for what the commands ask for that it carries out; what is of the connection only, for
// nothing.
bool RedisModel::asks_too_much(const Connection& by, const Entry& entry) const {
  if (!refusal) return false;
  const auto too_much = [&](const Entry& one) { return one.demand >= refusal->from; };
  // To be queued takes memory, whatever it is.
  return too_much(entry) || (by.queues_ && entry.is_queued && refusal->from == Demand::kGrows) ||
         (entry.name == "exec" &&
          std::any_of(by.queue_.begin(), by.queue_.end(),
                      [&](const Command& queued) { return too_much(*find_entry(queued)); }));
}

Reply RedisModel::carry_out(Connection& by, const Entry& entry, const Command& command,
                            uint64_t writer) {
  if (!entry.on_data) return (this->*entry.run)(by, command);
  Call call{keys_, command};
  Reply reply = entry.on_data(call);
  for (const std::string& key : call.changed) changed(key, writer);
  return call.error ? std::move(*call.error) : std::move(reply);
}

Reply RedisModel::from_script(Connection& by, const Command& command, bool& changes) {
  const Entry* entry = find_entry(command);
  if (!entry) return error("ERR Unknown Redis command called from script");
  if (!arity_fits(entry->arity, command.size()))
    return error("ERR Wrong number of args calling Redis command from script");
  if (!entry->in_scripts) return error("ERR This Redis command is not allowed from script");
  // A script that has begun to change something goes on.
  if (!changes && asks_too_much(by, *entry)) return error(refusal->text);
  changes = changes || entry->demand > Demand::kAnswers;
  return carry_out(by, *entry, command, kScriptWriter);
}

// --- Transactions

Reply RedisModel::multi(Connection& by, const Command&) {
  if (by.queues_) return error("ERR MULTI calls can not be nested");
  by.queues_ = true;
  return ok();
}

Reply RedisModel::exec(Connection& by, const Command&) {
  if (!by.queues_) return error("ERR EXEC without MULTI");
  const bool is_refused = by.is_refused_, is_outdated = by.is_outdated_;
  const std::vector<Command> queue = std::exchange(by.queue_, {});
  by.end_transaction();
  if (is_refused) return error("EXECABORT Transaction discarded because of previous errors.");
  if (is_outdated) return nil();
  Reply replies = array();
  for (const Command& command : queue)
    replies.items.push_back(carry_out(by, *find_entry(command), command, by.id_));
  return replies;
}

Reply RedisModel::discard(Connection& by, const Command&) {
  if (!by.queues_) return error("ERR DISCARD without MULTI");
  by.end_transaction();
  return ok();
}

Reply RedisModel::watch(Connection& by, const Command& command) {
  if (by.queues_) return error("ERR WATCH inside MULTI is not allowed");
  by.watched_.insert(command.begin() + 1, command.end());
  return ok();
}

Reply RedisModel::unwatch(Connection& by, const Command&) {
  by.watched_.clear();
  by.is_outdated_ = false;
  return ok();
}

// --- The rest

Reply RedisModel::ping(Connection&, const Command& command) {
  if (command.size() > 2) return wrong_arity("ping");
  return command.size() == 2 ? text(command[1]) : status("PONG");
}

Reply RedisModel::time(Connection&, const Command&) {
  return array({text(std::to_string(clock())), text("0")});
}

Reply RedisModel::flush(Connection& by, const Command& command) {
  if (command.size() > 2) return syntax_error();
  if (command.size() == 2 && lower(command[1]) != "async" && lower(command[1]) != "sync")
    return syntax_error();
  for (const auto& [id, other] : connections_) {
    other->is_outdated_ =
        other->is_outdated_ || std::any_of(other->watched_.begin(), other->watched_.end(),
                                           [&](const auto& key) { return keys_.contains(key); });
    if (!other->tracks_) continue;
    if (other == &by)
      ++other->flushes_;
    else
      other->push(nil());
  }
  keys_.clear();
  return ok();
}

Reply RedisModel::eval(Connection& by, const Command& command) {
  bool changes = false;
  return script_->run(command,
                      [&](const Command& inner) { return from_script(by, inner, changes); });
}

Reply RedisModel::set_name(Connection&, const Command& command) {
  const bool plain = std::all_of(command[2].begin(), command[2].end(),
                                 [](char c) { return c >= '!' && c <= '~'; });
  return plain ? ok()
               : error("ERR Client names cannot contain spaces, newlines or special characters.");
}

// --- Tracking

std::optional<Reply> RedisModel::overlap(const Connection& by,
                                         const std::vector<std::string>& wanted) const {
  const auto clash = [](std::string_view a, std::string_view b) {
    return a.starts_with(b) || b.starts_with(a);
  };
  const auto say = [](const std::string& a, const char* what, const std::string& b) {
    return error("ERR Prefix '" + one_line(a, a.size()) + "' overlaps with " + what +
                 " prefix '" + one_line(b, b.size()) +
                 "'. Prefixes for a single client must not overlap.");
  };
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const std::string& old : by.prefixes_)
      if (clash(wanted[i], old)) return say(wanted[i], "an existing", old);
    for (size_t j = i + 1; j < wanted.size(); ++j) {
      if (!clash(wanted[i], wanted[j])) continue;
      // The server takes the number i for "no clash" and replies twice, unless it is 0.
      if (i > 0) not_modelled("CLIENT TRACKING with prefixes that clash behind the first");
      return say(wanted[i], "another provided", wanted[j]);
    }
  }
  return std::nullopt;
}

Reply RedisModel::tracking(Connection& by, const Command& command) {
  bool is_broadcast = false, noloop = false;
  std::vector<std::string> prefixes;
  for (size_t i = 3; i < command.size(); ++i) {
    const std::string option = lower(command[i]);
    if (option == "bcast") is_broadcast = true;
    else if (option == "noloop") noloop = true;
    else if (option == "prefix" && i + 1 < command.size()) prefixes.push_back(command[++i]);
    else if (option == "optin" || option == "optout" || option == "redirect")
      not_modelled("CLIENT TRACKING " + option);
    else return syntax_error();
  }
  const std::string on = lower(command[2]);
  if (on == "off") {
    untrack(by);
    return ok();
  }
  if (on != "on") return syntax_error();
  if (!is_broadcast && !prefixes.empty())
    return error("ERR PREFIX option requires BCAST mode to be enabled");
  if (!is_broadcast) not_modelled("CLIENT TRACKING without BCAST");
  if (auto why = overlap(by, prefixes)) return *why;
  if (prefixes.empty()) prefixes.emplace_back();
  by.tracks_ = true;
  by.noloop_ = noloop;
  for (const std::string& prefix : prefixes) changes_.try_emplace(prefix);
  by.prefixes_.insert(prefixes.begin(), prefixes.end());
  return ok();
}

void RedisModel::untrack(Connection& connection) {
  const auto prefixes = std::exchange(connection.prefixes_, {});
  connection.tracks_ = connection.noloop_ = false;
  for (const std::string& prefix : prefixes)
    if (std::none_of(connections_.begin(), connections_.end(),
                     [&](const auto& other) { return other.second->prefixes_.contains(prefix); }))
      changes_.erase(prefix);
}

void RedisModel::changed(const std::string& key, uint64_t writer) {
  if (on_change) on_change(key);
  for (const auto& [id, connection] : connections_)
    if (connection->watched_.contains(key)) connection->is_outdated_ = true;
  for (auto& [prefix, keys] : changes_)
    if (key.starts_with(prefix)) keys[key] = writer;
}

void RedisModel::tell_changes() {
  for (auto& [prefix, keys] : changes_) {
    if (keys.empty()) continue;
    for (const auto& [id, connection] : connections_) {
      if (!connection->prefixes_.contains(prefix)) continue;
      Reply told = array();
      for (const auto& [key, writer] : keys)
        if (!connection->noloop_ || writer != id) told.items.push_back(text(key));
      if (!told.items.empty()) connection->push(std::move(told));
    }
    keys.clear();
  }
}

}  // namespace fastmeta::test
