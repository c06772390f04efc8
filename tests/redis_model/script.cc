// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis_model/script.h"

#include <lua.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "redis_model/commands.h"
#include "redis_model/replies.h"
#include "util/check.h"

// An error of Lua jumps over C++ frames without ending their objects: functions that raise
// one hold none at that moment, all work with objects is in a function that has returned.

namespace fastmeta::test {

using redis::Command;
using redis::Reply;

namespace {

const char kExecuteKey = 0;  // its address: where Lua's registry has the Execute of this run

constexpr int kSlots = 8;  // of Lua's stack, as much as one level of a conversion uses

void push_text(lua_State* lua, const std::string& s) {
  lua_pushlstring(lua, s.data(), s.size());
}

std::string text_at(lua_State* lua, int index) {
  size_t size = 0;
  const char* bytes = lua_tolstring(lua, index, &size);
  return bytes ? std::string(bytes, size) : std::string();
}

void push_table_of(lua_State* lua, const char* field, const std::string& value) {
  lua_newtable(lua);
  push_text(lua, value);
  lua_setfield(lua, -2, field);
}

// A script sees RESP2: nil is false, a status or an error a table of one field.
void push_reply(lua_State* lua, const Reply& reply) {
  MDP_CHECK(lua_checkstack(lua, kSlots));
  switch (reply.kind) {
    case Reply::Kind::kNil: return lua_pushboolean(lua, 0);
    case Reply::Kind::kText: return push_text(lua, reply.text);
    case Reply::Kind::kStatus: return push_table_of(lua, "ok", reply.text);
    case Reply::Kind::kError: return push_table_of(lua, "err", reply.text);
    case Reply::Kind::kNumber:
      return lua_pushnumber(lua, static_cast<lua_Number>(reply.number));
    case Reply::Kind::kArray:
      lua_newtable(lua);
      for (size_t i = 0; i < reply.items.size(); ++i) {
        push_reply(lua, reply.items[i]);
        lua_rawseti(lua, -2, static_cast<int>(i) + 1);
      }
  }
}

// Pushes the field of the table on top; whether it is a string.
bool push_field(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  return lua_type(lua, -1) == LUA_TSTRING;
}

std::string without_breaks(std::string s) {
  std::replace_if(s.begin(), s.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return s;
}

// The value on top, which it pops.
Reply pop_reply(lua_State* lua) {
  MDP_CHECK(lua_checkstack(lua, kSlots));
  Reply out;
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING: out = text(text_at(lua, -1)); break;
    case LUA_TBOOLEAN: out = lua_toboolean(lua, -1) ? number(1) : nil(); break;
    case LUA_TNUMBER: {
      // What the processor makes of a number out of range, without asking C++.
      const double n = lua_tonumber(lua, -1);
      const bool fits = n >= -0x1p63 && n < 0x1p63;
      out = number(fits ? static_cast<int64_t>(n) : INT64_MIN);
      break;
    }
    case LUA_TTABLE: {
      const int top = lua_gettop(lua);
      for (const char* unused : {"double", "map", "set", "big_number", "verbatim_string"}) {
        push_field(lua, unused);
        if (!lua_isnil(lua, -1)) not_modelled(std::string("a reply from Lua: ") + unused);
        lua_settop(lua, top);
      }
      if (push_field(lua, "err")) {
        out = error(without_breaks(text_at(lua, -1)));
      } else if (lua_settop(lua, top); push_field(lua, "ok")) {
        out = status(without_breaks(text_at(lua, -1)));
      } else {
        out = array();
        for (int i = 1;; ++i) {
          lua_settop(lua, top);
          lua_rawgeti(lua, -1, i);
          if (lua_isnil(lua, -1)) break;
          out.items.push_back(pop_reply(lua));
        }
      }
      lua_settop(lua, top);
      break;
    }
    default: break;  // nil, and what no reply can be made of
  }
  lua_pop(lua, 1);
  return out;
}

// The arguments of redis.call; false when one is neither a string nor a number.
bool take_words(lua_State* lua, Command& out) {
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    if (lua_type(lua, i) == LUA_TNUMBER) {
      char digits[64];
      std::snprintf(digits, sizeof digits, "%.17g", lua_tonumber(lua, i));
      out.emplace_back(digits);
    } else if (lua_type(lua, i) == LUA_TSTRING) {
      out.push_back(text_at(lua, i));
    } else {
      return false;
    }
  }
  return true;
}

// Pushes the reply; whether it is an error.
bool push_called(lua_State* lua) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kExecuteKey));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  const auto* execute = static_cast<const Script::Execute*>(lua_touserdata(lua, -1));
  lua_pop(lua, 1);
  Command words;
  Reply reply;
  if (lua_gettop(lua) == 0)
    reply = error("ERR Please specify at least one argument for this redis lib call");
  else if (!take_words(lua, words))
    reply = error("ERR Lua redis lib command arguments must be strings or integers");
  else
    reply = (*execute)(words);
  push_reply(lua, reply);
  return reply.is_error();
}

int call(lua_State* lua) { return push_called(lua) ? lua_error(lua) : 1; }

int pcall(lua_State* lua) {
  push_called(lua);
  return 1;
}

void push_field_of_argument(lua_State* lua, const char* field) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING)
    return push_table_of(lua, "err", "ERR wrong number or type of arguments");
  std::string said = text_at(lua, 1);
  if (std::strcmp(field, "err") == 0) {
    // An error without a code gets the general one; the code is what is before a space.
    if (said.starts_with('-')) said.erase(0, 1);
    if (said.find(' ') == std::string::npos) said = "ERR " + said;
  }
  push_table_of(lua, field, said);
}

int error_reply(lua_State* lua) {
  push_field_of_argument(lua, "err");
  return 1;
}

int status_reply(lua_State* lua) {
  push_field_of_argument(lua, "ok");
  return 1;
}

int no_such_global(lua_State* lua) {
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    lua_tostring(lua, 2));
}

int no_new_global(lua_State* lua) {
  return luaL_error(lua, "Attempt to modify a readonly table");
}

// What went wrong, as a table, with the line of the script.
int describe_error(lua_State* lua) {
  lua_Debug at{};
  bool found = lua_getstack(lua, 1, &at) && lua_getinfo(lua, "Sl", &at);
  if (found && std::strcmp(at.what, "C") == 0)
    found = lua_getstack(lua, 2, &at) && lua_getinfo(lua, "Sl", &at);
  if (!lua_istable(lua, 1)) {
    const char* said = lua_tostring(lua, 1);
    lua_newtable(lua);
    lua_pushfstring(lua, "ERR %s", said ? said : luaL_typename(lua, 1));
    lua_setfield(lua, -2, "err");
    lua_replace(lua, 1);
  }
  if (found) {
    lua_pushinteger(lua, at.currentline);
    lua_setfield(lua, 1, "line");
  }
  lua_settop(lua, 1);
  return 1;
}

// Pops the table of describe_error(). Redis names the script by its SHA1 here.
Reply pop_failure(lua_State* lua) {
  const int top = lua_gettop(lua);
  push_field(lua, "err");
  std::string said = without_breaks(text_at(lua, -1));
  lua_settop(lua, top);
  push_field(lua, "line");
  if (!lua_isnil(lua, -1))
    said += " script: " + std::string(40, '0') + ", on @user_script:" + text_at(lua, -1) + ".";
  lua_settop(lua, top - 1);
  return error(std::move(said));
}

}  // namespace

void Script::Closer::operator()(lua_State* lua) const { lua_close(lua); }

Script::Script() : lua_(luaL_newstate()) {
  lua_State* lua = lua_.get();
  MDP_CHECK(lua != nullptr);
  for (const lua_CFunction open : {luaopen_base, luaopen_table, luaopen_string, luaopen_math}) {
    lua_pushcfunction(lua, open);
    lua_call(lua, 0, 0);
  }
  for (const char* name : {"print", "dofile", "loadfile"}) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  lua_getglobal(lua, "math");
  for (const char* name : {"random", "randomseed"}) {
    lua_pushnil(lua);
    lua_setfield(lua, -2, name);
  }
  lua_pop(lua, 1);
  static const luaL_Reg redis[] = {{"call", call},
                                   {"pcall", pcall},
                                   {"error_reply", error_reply},
                                   {"status_reply", status_reply},
                                   {nullptr, nullptr}};
  luaL_register(lua, "redis", redis);
  lua_pop(lua, 1);
  lua_newtable(lua);  // globals can be neither made nor missed
  lua_pushcfunction(lua, no_such_global);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, no_new_global);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, LUA_GLOBALSINDEX);
}

bool Script::push_compiled(const std::string& source) {
  lua_State* lua = lua_.get();
  const auto known = compiled_.find(source);
  if (known != compiled_.end()) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, known->second);
    return true;
  }
  if (luaL_loadbuffer(lua, source.data(), source.size(), "@user_script") != 0) return false;
  lua_pushvalue(lua, -1);
  compiled_.emplace(source, luaL_ref(lua, LUA_REGISTRYINDEX));
  return true;
}

void Script::set_words(const char* global, const Command& words, size_t from, size_t to) {
  lua_State* lua = lua_.get();
  lua_pushstring(lua, global);
  lua_newtable(lua);
  for (size_t i = from; i < to; ++i) {
    push_text(lua, words[i]);
    lua_rawseti(lua, -2, static_cast<int>(i - from) + 1);
  }
  lua_rawset(lua, LUA_GLOBALSINDEX);
}

Reply Script::run(const Command& eval, const Execute& execute) {
  const auto keys = parse_integer(eval[2]);
  if (!keys) return error("ERR value is not an integer or out of range");
  if (*keys > static_cast<int64_t>(eval.size()) - 3)
    return error("ERR Number of keys can't be greater than number of args");
  if (*keys < 0) return error("ERR Number of keys can't be negative");
  lua_State* lua = lua_.get();
  lua_pushcfunction(lua, describe_error);
  if (!push_compiled(eval[1])) {
    Reply why = error("ERR Error compiling script (new function): " + text_at(lua, -1));
    lua_settop(lua, 0);
    return why;
  }
  const size_t arguments = 3 + static_cast<size_t>(*keys);
  set_words("KEYS", eval, 3, arguments);
  set_words("ARGV", eval, arguments, eval.size());
  lua_pushlightuserdata(lua, const_cast<char*>(&kExecuteKey));
  lua_pushlightuserdata(lua, const_cast<Execute*>(&execute));
  lua_rawset(lua, LUA_REGISTRYINDEX);
  const bool failed = lua_pcall(lua, 0, 1, 1) != 0;
  Reply reply = failed ? pop_failure(lua) : pop_reply(lua);
  lua_settop(lua, 0);
  return reply;
}

}  // namespace fastmeta::test
