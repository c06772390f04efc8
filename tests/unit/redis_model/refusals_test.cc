// SPDX-License-Identifier: GPL-3.0-or-later
// A server that is in no state to carry out what it is sent.
#include <thread>

#include "lines.h"

namespace fastmeta::test {
namespace {

class ModelRefusals : public testing::Test {
 protected:
  ModelRefusals() {
    run({"SET k 1", "HSET h f v", "SADD s a"});
    EXPECT_TRUE(differ_.empty()) << differ_;
  }
  void run(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      const std::string there = show(real_.execute(words(line)));
      const std::string here = show(modelled_->execute(words(line)));
      answered_ += line + " -> " + there + "\n";
      if (there != here)
        differ_ += line + "\n  the server: " + there + "\n  the model: " + here + "\n";
    }
  }
  // What was accepted before it is in no state to.
  void queue() { run({"MULTI", "SET k 8"}); }
  // In and out of transactions and scripts.
  void run_all() {
    run({"EXEC"});
    run({"GET k", "MGET k x", "PING", "SET k 2", "INCRBY k 1", "DEL x", "HSET h g 1", "HDEL h g",
         "SREM s b", "SADD s b", "HSCAN h 0", "FLUSHALL", "GET k", "SET k 1"});
    run({"MULTI", "GET k", "EXEC", "MULTI", "SET k 3", "GET k", "EXEC", "MULTI", "DEL k", "EXEC",
         "MULTI", "INCRBY k 1", "DISCARD", "WATCH k", "MULTI", "HGET h f", "HDEL h f", "EXEC",
         "UNWATCH", "GET k", "EXEC"});
    run({"EVAL 'return redis.call(\"GET\", \"k\")' 0",
         "EVAL 'return redis.call(\"SET\", \"k\", 4)' 0",
         "EVAL 'return redis.pcall(\"SET\", \"k\", 5)' 0",
         "EVAL 'redis.call(\"DEL\", \"none\") return redis.call(\"SET\", \"k\", 6)' 0",
         "MULTI", "EVAL 'return redis.call(\"SET\", \"k\", 7)' 0", "EXEC", "GET k"});
  }
  void expect_the_same(const char* said) {
    EXPECT_TRUE(differ_.empty()) << differ_;
    EXPECT_NE(answered_.find(said), std::string::npos) << answered_;
    EXPECT_NE(answered_.find(std::string("because of: ") + (said + 1)), std::string::npos)
        << answered_;
  }

  RedisServer server_;
  RedisModel model_;
  RealConnection real_{server_.port()};
  std::unique_ptr<Connection> modelled_ = model_.connect();
  std::string differ_, answered_;
};

TEST_F(ModelRefusals, WithoutMemory) {
  queue();
  server_.ask("CONFIG SET maxmemory 1");
  model_.refusal = {"OOM command not allowed when used memory > 'maxmemory'.", Demand::kGrows};
  run_all();
  server_.ask("CONFIG SET maxmemory 0");
  model_.refusal.reset();
  run_all();
  expect_the_same("-OOM");
}

TEST_F(ModelRefusals, AsAReplica) {
  queue();
  server_.ask("REPLICAOF 127.0.0.1 1");
  model_.refusal = {"READONLY You can't write against a read only replica.", Demand::kChanges};
  run_all();
  server_.ask("REPLICAOF NO ONE");
  model_.refusal.reset();
  run_all();
  expect_the_same("-READONLY");
}

TEST_F(ModelRefusals, WhileAScriptRuns) {
  queue();
  server_.ask("CONFIG SET busy-reply-threshold 1");
  std::thread busy([port = server_.port()] {
    RealConnection(port).execute({"EVAL", "while true do end", "0"});
  });
  while (!server_.ask("PING").starts_with("-BUSY")) std::this_thread::yield();
  model_.refusal = {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                    "SHUTDOWN NOSAVE.",
                    Demand::kAnswers};
  run_all();
  server_.ask("SCRIPT KILL");
  busy.join();
  model_.refusal.reset();
  run_all();
  expect_the_same("-BUSY");
}

}  // namespace
}  // namespace fastmeta::test
