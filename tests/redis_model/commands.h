// SPDX-License-Identifier: GPL-3.0-or-later
// The commands on data: functions of the keyspace and the arguments, of no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_model/keyspace.h"
#include "redis_model/replies.h"

namespace fastmeta::test {

// One run of a command. The first thing wrong stays in `error`, is the reply, and makes the
// lookups that follow answer null: a command asks in the order in which the server checks,
// then leaves when anything was wrong.
struct Call {
  Keyspace& keys;
  const redis::Command& args;
  std::vector<std::string> changed{};  // keys, as the server signals them
  std::optional<redis::Reply> error{};

  const std::string& key() const { return args[1]; }
  void fail(redis::Reply why) {
    if (!error) error = std::move(why);
  }
  int64_t integer(size_t at);
  // Null: no such key, or one of another type, which is an error.
  template <typename T>
  T* find();
  template <typename T>
  T* find_or_create();
  // The key was written; a container that has become empty vanishes.
  void wrote();
};

// What carrying it out asks of a server, from little to much.
enum class Demand { kAnswers, kChanges, kGrows };

struct DataCommand {
  std::string_view name;  // in small letters
  int arity;              // with the name; -n: at least n
  redis::Reply (*run)(Call&);
  Demand demand = Demand::kAnswers;
};

std::span<const DataCommand> data_commands();

inline bool arity_fits(int arity, size_t words) {
  return arity >= 0 ? words == static_cast<size_t>(arity) : words >= static_cast<size_t>(-arity);
}

std::string lower(std::string_view s);

// Only as the server itself would write it: no sign +, no leading zero, no space.
std::optional<int64_t> parse_integer(std::string_view s);

// Something that Redis has and the model does not: a wrong answer would look like a bug of
// whoever asked, so it ends the process.
[[noreturn]] void not_modelled(const std::string& what);

}  // namespace fastmeta::test
