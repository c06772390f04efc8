// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/reply.h"

#include <errno.h>

#include "redis/error_code.h"
#include "util/log.h"

namespace fastmeta::redis {

std::string_view error_code(const Reply& reply) {
  return std::string_view(reply.text).substr(0, reply.text.find(' '));
}

Error refused(const Reply& reply, std::string_view command) {
  std::string_view text = reply.text;
  // Redis repeats arguments behind this; they may be secret or megabytes.
  text = text.substr(0, text.find(", with args"));
  int code = error_code(reply) == "OOM" ? ENOSPC : EIO;
  return {Fault::kRefused, code, fmt::format("redis refused {}: {}", command, quote(text))};
}

Result<void> expect_applied(std::span<const Reply> replies, std::string_view what) {
  for (const Reply& reply : replies)
    if (reply.is_error()) return refused(reply, what);
  for (const Reply& reply : replies.back().items)
    if (reply.is_error()) return refused(reply, what);
  return {};
}

}  // namespace fastmeta::redis
