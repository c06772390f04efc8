// SPDX-License-Identifier: GPL-3.0-or-later
// A broken assumption of our own ends the process, in release builds too: wrong
// state must never reach Redis.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fastmeta {
[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "fastmeta: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}
}  // namespace fastmeta

#define MDP_CHECK(cond) \
  (__builtin_expect(!!(cond), 1) ? void(0) : ::fastmeta::check_failed(#cond, __FILE__, __LINE__))
