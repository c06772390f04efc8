// SPDX-License-Identifier: GPL-3.0-or-later
// Replies in one word each, and the errors that more than one command gives.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "redis/reply.h"

namespace fastmeta::test {

inline redis::Reply nil() { return {}; }
inline redis::Reply text(std::string s) {
  return {redis::Reply::Kind::kText, std::move(s), 0, {}};
}
inline redis::Reply status(std::string s) {
  return {redis::Reply::Kind::kStatus, std::move(s), 0, {}};
}
inline redis::Reply error(std::string s) {
  return {redis::Reply::Kind::kError, std::move(s), 0, {}};
}
inline redis::Reply number(int64_t n) { return {redis::Reply::Kind::kNumber, {}, n, {}}; }
inline redis::Reply array(std::vector<redis::Reply> items = {}) {
  return {redis::Reply::Kind::kArray, {}, 0, std::move(items)};
}

inline redis::Reply ok() { return status("OK"); }
inline redis::Reply syntax_error() { return error("ERR syntax error"); }
inline redis::Reply wrong_arity(const std::string& name) {
  return error("ERR wrong number of arguments for '" + name + "' command");
}

}  // namespace fastmeta::test
