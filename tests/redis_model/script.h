// SPDX-License-Identifier: GPL-3.0-or-later
// EVAL: Lua 5.1, as the server embeds it, with its `redis` table and its conversions
// between Lua and replies. Scripts have the base, string, table and math libraries without
// what is random or reads files; library tables can be written, which Redis forbids.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "redis/reply.h"

struct lua_State;

namespace fastmeta::test {

class Script {
 public:
  using Execute = std::function<redis::Reply(const redis::Command&)>;

  Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  // eval: the words of EVAL. execute: what redis.call and redis.pcall do.
  redis::Reply run(const redis::Command& eval, const Execute& execute);

 private:
  struct Closer {
    void operator()(lua_State* lua) const;
  };

  // Leaves the function, or the message of the compiler and false, on the stack.
  bool push_compiled(const std::string& source);
  void set_words(const char* global, const redis::Command& words, size_t from, size_t to);

  std::unique_ptr<lua_State, Closer> lua_;
  std::map<std::string, int> compiled_;  // source -> reference in Lua's registry
};

}  // namespace fastmeta::test
