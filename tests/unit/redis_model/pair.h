// SPDX-License-Identifier: GPL-3.0-or-later
// A real server and the model that are told the same: the same replies, and the same pushes in
// the same places.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "real_connection.h"
#include "redis_model/redis_model.h"
#include "redis_model/replies.h"
#include "support/redis_server.h"

namespace fastmeta::test {

using redis::Command;
using redis::Reply;

constexpr int kConnections = 4;
constexpr uint64_t kSteps = 12000;
constexpr const char* kPassOn = "return redis.call(unpack(ARGV))";
constexpr const char* kTry = "local r = redis.pcall(unpack(ARGV)) return r";

inline std::string capitals(std::string s) {
  for (char& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return s;
}

// What has no order of its own is sorted, in steps of so many items.
inline void sort_items(std::vector<Reply>& items, size_t step) {
  std::vector<std::vector<Reply>> groups;
  for (size_t i = 0; i + step <= items.size(); i += step)
    groups.emplace_back(items.begin() + long(i), items.begin() + long(i + step));
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return show(a[0]) < show(b[0]); });
  items.clear();
  for (auto& group : groups) items.insert(items.end(), group.begin(), group.end());
}

inline void normalise(const Command& command, Reply& reply) {
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
    // Not before it sleeps: a connection that it has just served would go first again.
    wait_for_state(") S ");
    freeze();
    wait_for_state(") T ");
  }

 private:
  void wait_for_state(const char* state) {
    for (;;) {
      std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
      std::string line;
      std::getline(file, line);
      if (line.find(state) != std::string::npos) return;
      std::this_thread::yield();
    }
  }

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
    std::set<std::string> all[2];  // the server may tell a name twice
    for (const bool is_real : {false, true}) {
      std::string cursor = "0";
      do {
        Command step = command;
        step.insert(step.begin() + (names_step == 2 ? 2 : 1), cursor);
        Reply page = is_real ? sides_[at].real->execute(step) : sides_[at].modelled->execute(step);
        ++(is_real ? sides_[at].more_real : sides_[at].more_modelled);
        cursor = "0";
        if (page.kind != Reply::Kind::kArray) {
          all[is_real].insert(show(page));
          continue;
        }
        cursor = page.items[0].text;
        const std::vector<Reply>& items = page.items[1].items;
        for (size_t i = 0; i < items.size(); i += names_step)
          all[is_real].insert(show(items[i]) + show(items[i + names_step - 1]));
      } while (cursor != "0");
    }
    note(std::to_string(at) + ": " + show_command(command) + " (all of it)");
    check(joined(all[1]), joined(all[0]));
  }

  bool is_queueing(int at) const { return sides_[at].queues; }

  void finish(int at) {
    if (!sides_[at].real) return;
    if (sides_[at].queues) run(at, {"DISCARD"});
    run(at, {"PING"});
  }

  bool failed() const { return failed_; }
  uint64_t told() const { return told_; }  // how often there were pushes

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

  static std::string joined(const std::set<std::string>& all) {
    std::string out;
    for (const std::string& one : all) out += one + "; ";
    return out;
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
    told_ += !modelled.empty();
    check("told " + real, "told " + modelled);
  }

  StoppableServer& server_;
  RedisModel& model_;
  Side sides_[kConnections];
  std::deque<std::string> history_;
  bool failed_ = false;
  uint64_t told_ = 0;
};

}  // namespace fastmeta::test
