// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/wire.h"

#include <charconv>

#include "util/check.h"

namespace fastmeta::redis {
namespace {

void append_header(std::string& out, char type, size_t count) {
  char digits[24];
  auto [end, failure] = std::to_chars(digits, digits + sizeof digits, count);
  MDP_CHECK(failure == std::errc{});
  out.push_back(type);
  out.append(digits, end);
  out.append("\r\n", 2);
}

}  // namespace

void append_command(std::string& out, const Command& command) {
  MDP_CHECK(!command.empty());
  append_header(out, '*', command.size());
  for (const std::string& argument : command) {
    append_header(out, '$', argument.size());
    out.append(argument);
    out.append("\r\n", 2);
  }
}

void append_commands(std::string& out, std::span<const Command> commands) {
  for (const Command& command : commands) append_command(out, command);
}

bool names(const Command& command, std::string_view name) {
  const std::string& given = command.front();
  if (given.size() != name.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = given[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c != name[i]) return false;
  }
  return true;
}

}  // namespace fastmeta::redis
