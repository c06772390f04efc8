// SPDX-License-Identifier: GPL-3.0-or-later
// A reply of the server as a plain value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace fastmeta::redis {

// One command: its name and arguments, each raw bytes.
using Command = std::vector<std::string>;

struct Reply {
  enum class Kind : uint8_t { kNil, kText, kStatus, kError, kNumber, kArray };

  Kind kind = Kind::kNil;
  std::string text;           // kText, kStatus, kError
  int64_t number = 0;         // kNumber
  std::vector<Reply> items;   // kArray (also sets; a map is key, value, key, value …)

  bool nil() const { return kind == Kind::kNil; }
  bool is_error() const { return kind == Kind::kError; }
  bool is_text() const { return kind == Kind::kText || kind == Kind::kStatus; }
};

// An error reply as an Error, by its code (first word): kRefused with an errno
// (OOM -> ENOSPC, else EIO); the text names the command, never its arguments.
Error refused(const Reply& reply, std::string_view command);

// Of a transaction from MULTI to EXEC: the first error reply, inside that of EXEC too,
// where a command can fail while the others take effect. A nil EXEC is none.
Result<void> expect_applied(std::span<const Reply> replies, std::string_view what);

}  // namespace fastmeta::redis
