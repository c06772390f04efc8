// SPDX-License-Identifier: GPL-3.0-or-later
// The file that says whose store this is. Text, so that a person can read it:
//
//   fastmeta-store
//   format 1
//   volume 5e3a…
//   state ready            or new: not all of its tables have been made yet
//   check 0123456789abcdef FNV-1a of all bytes before this line
//
// The first two lines and the last keep their form in every format, so that an
// older program can say which newer format it has met.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "util/result.h"

namespace fastmeta::store {

inline constexpr uint32_t kFormat = 1;

struct Identity {
  uint32_t format = kFormat;
  std::string volume;
  bool ready = false;
};

std::string encode_identity(const Identity& identity);
// kLocalStore when garbled; kConfig when newer than kFormat, naming both.
Result<Identity> decode_identity(std::string_view text, const std::string& path);

// Nothing when there is no such file.
Result<std::optional<Identity>> read_identity(const std::string& path);
Result<void> write_identity(const std::string& path, const Identity& identity);

}  // namespace fastmeta::store
