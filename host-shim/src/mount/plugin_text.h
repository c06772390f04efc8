// SPDX-License-Identifier: GPL-3.0-or-later
// Texts that a plugin writes into a buffer of ours.
#pragma once

#include <algorithm>
#include <cerrno>
#include <string>

namespace fastmeta::host {

// call(char* buffer, size_t capacity) -> 0 or -errno, -ERANGE when it does not fit. After an
// error *out is what it says of that, or empty.
template <typename Call>
int read_text(std::string* out, Call call) {
  constexpr size_t kFirst = 16 * 1024;
  constexpr size_t kMax = 16 * 1024 * 1024;
  int rc = -ERANGE;
  for (size_t capacity = kFirst; rc == -ERANGE && capacity <= kMax; capacity *= 8) {
    out->assign(capacity, '\0');
    rc = call(out->data(), out->size());
  }
  out->resize(std::min(out->find_first_of('\0'), out->size()));
  return rc;
}

}  // namespace fastmeta::host
