// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of lines and what is answered to them, held against the model and a real server.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "real_connection.h"
#include "redis_model/redis_model.h"
#include "support/redis_server.h"

namespace fastmeta::test {

struct Line {
  char connection;  // any letter: a new one is a new connection
  std::string said;
  std::string answer;
};

inline std::vector<std::string> shown(const std::vector<Push>& pushes) {
  std::vector<std::string> out;
  for (const Push& push : pushes) out.push_back(show(push));
  return out;
}

// Runs the lines one after the other.
inline void expect_lines(const std::vector<Line>& lines) {
  RedisServer server;
  RedisModel model;
  std::map<char, std::unique_ptr<RealConnection>> real;
  std::map<char, std::unique_ptr<Connection>> modelled;
  for (const Line& line : lines) {
    SCOPED_TRACE(line.connection + (": " + line.said));
    auto& there = real[line.connection];
    auto& here = modelled[line.connection];
    if (!there) there = std::make_unique<RealConnection>(server.port());
    if (!here) here = model.connect();
    EXPECT_EQ(show(there->execute(words(line.said))), line.answer) << "the server";
    EXPECT_EQ(show(here->execute(words(line.said))), line.answer) << "the model";
  }
  for (auto& [name, there] : real) {
    // What comes behind the last reply is in front of this one.
    there->execute({"PING"});
    auto& here = *modelled[name];
    here.execute({"PING"});
    EXPECT_EQ(shown(here.take_pushes()), shown(there->take_pushes())) << "told to " << name;
  }
}

// The same, all on one connection.
inline void expect_answers(const std::vector<std::pair<std::string, std::string>>& table) {
  std::vector<Line> lines;
  for (const auto& [said, answer] : table) lines.push_back({'a', said, answer});
  expect_lines(lines);
}

constexpr const char* kWrongType =
    "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";

}  // namespace fastmeta::test
