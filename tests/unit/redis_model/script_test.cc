// SPDX-License-Identifier: GPL-3.0-or-later
#include "lines.h"

namespace fastmeta::test {
namespace {

std::string at_line(const char* said, int line = 1) {
  return std::string("-") + said + " script: -, on @user_script:" + std::to_string(line) + ".";
}

TEST(ModelScripts, ConvertBetweenLuaAndReplies) {
  expect_answers({
      {"EVAL 'return {1, 2.9, -2.9, \"a\", true, false, nil, 4}' 0",
       "[:1, :2, :-2, \"a\", :1, nil]"},
      {"EVAL 'return {ok=\"fine\"}' 0", "+fine"},
      {"EVAL 'return {err=\"MY bad\"}' 0", "-MY bad"},
      {"EVAL 'return {1, {err=\"bad\"}, {ok=\"a\\nb\"}, {}}' 0", "[:1, -bad, +a b, []]"},
      {"EVAL 'return' 0", "nil"},
      {"EVAL 'return 1e30' 0", ":-9223372036854775808"},
      {"EVAL 'return redis.error_reply(\"FOO\")' 0", "-ERR FOO"},
      {"EVAL 'return redis.error_reply(\"FOO bar\")' 0", "-FOO bar"},
      {"EVAL 'return redis.error_reply(\"-FOO bar\")' 0", "-FOO bar"},
      {"EVAL 'return redis.error_reply()' 0", "-ERR wrong number or type of arguments"},
      {"EVAL 'return redis.status_reply(\"FOO\")' 0", "+FOO"},
      {"EVAL 'return {KEYS[1], ARGV[1], ARGV[2], #KEYS, #ARGV}' 1 k a ''",
       "[\"k\", \"a\", \"\", :1, :2]"},
      {"EVAL 'return redis.call(\"SET\", \"k\", 3.14)' 0", "+OK"},
      {"EVAL 'return redis.call(\"SET\", \"n\", 5)' 0", "+OK"},
      {"MGET k n", "[\"3.1400000000000001\", \"5\"]"},
      {"EVAL 'return redis.call(\"GET\", \"none\") == false' 0", ":1"},
      {"EVAL 'return redis.call(\"PING\").ok' 0", "\"PONG\""},
      {"EVAL 'return redis.call(\"MGET\", \"k\", \"x\", \"n\")' 0",
       "[\"3.1400000000000001\", nil, \"5\"]"},
      {"HSET h f v", ":1"},
      {"EVAL 'return redis.call(\"HGETALL\", \"h\")' 0", "[\"f\", \"v\"]"},
      {"EVAL 'return type(redis.call(\"INCRBY\", \"n\", \"1\"))' 0", "\"number\""},
  });
}

TEST(ModelScripts, TellWhatWentWrong) {
  expect_answers({
      {"SADD s a", ":1"},
      {"EVAL 'redis.call(\"SET\", \"k\", 1) return redis.call(\"GET\", \"s\")' 0",
       at_line(kWrongType + 1)},
      {"GET k", "\"1\""},
      {"EVAL '\n\nreturn redis.pcall(\"GET\", \"s\")' 0", kWrongType},
      {"EVAL '\n\nlocal x = nil .. 1' 0",
       at_line("ERR user_script:3: attempt to concatenate a nil value", 3)},
      {"EVAL 'return redis.call(\"FOO\")' 0",
       at_line("ERR Unknown Redis command called from script")},
      {"EVAL 'return redis.pcall(\"GET\")' 0",
       "-ERR Wrong number of args calling Redis command from script"},
      {"EVAL 'return redis.pcall(\"MULTI\")' 0",
       "-ERR This Redis command is not allowed from script"},
      {"EVAL 'return redis.pcall(\"EVAL\", \"return 1\", \"0\")' 0",
       "-ERR This Redis command is not allowed from script"},
      {"EVAL 'return redis.pcall()' 0",
       "-ERR Please specify at least one argument for this redis lib call"},
      {"EVAL 'return redis.pcall({})' 0",
       "-ERR Lua redis lib command arguments must be strings or integers"},
      {"EVAL 'error(\"x\")' 0", at_line("ERR user_script:1: x")},
      {"EVAL 'error({err=\"MY x\"})' 0", at_line("MY x")},
      {"EVAL 'foo = 1' 0", at_line("ERR user_script:1: Attempt to modify a readonly table")},
      {"EVAL 'return foo' 0",
       at_line("ERR user_script:1: Script attempted to access nonexistent global variable 'foo'")},
      {"EVAL 'syntax err' 0",
       "-ERR Error compiling script (new function): user_script:1: '=' expected near 'err'"},
      {"EVAL 'return 1' -1", "-ERR Number of keys can't be negative"},
      {"EVAL 'return 1' 1", "-ERR Number of keys can't be greater than number of args"},
      {"EVAL 'return 1' x", kNotInteger},
      {"EVAL x", "-ERR wrong number of arguments for 'eval' command"},
  });
}

}  // namespace
}  // namespace fastmeta::test
