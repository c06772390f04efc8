// SPDX-License-Identifier: GPL-3.0-or-later
// What goes over the control socket: one JSON object per line in each direction.
//
//   {"verb": "status", "args": {…}}          args may be left out
//   {"ok": true, "data": …}                  or
//   {"ok": false, "error": "one line"}
//
// Pure functions; whatever the bytes are, there is an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fastmeta::host {

inline constexpr size_t kRequestMax = 64 * 1024;      // bytes of a line
inline constexpr size_t kReplyMax = 16 * 1024 * 1024;

struct ControlRequest {
  std::string verb;
  std::string args;  // JSON, "{}" when there are none
};

// Nothing when the line is no request; *why says what is wrong with it.
std::optional<ControlRequest> parse_request(std::string_view line, std::string* why);
std::string format_request(const ControlRequest& request);

// data: JSON. Text that is none is sent as a string. Ends with a newline.
std::string format_answer(const std::string& data);
std::string format_failure(std::string_view error);

struct ControlReply {
  bool ok = false;
  std::string text;  // JSON of data, or the error
};
std::optional<ControlReply> parse_reply(std::string_view line);

}  // namespace fastmeta::host
