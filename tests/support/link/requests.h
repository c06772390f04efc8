// SPDX-License-Identifier: GPL-3.0-or-later
// Cuts the bytes that a Redis client sends into whole requests.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace fastmeta::link {

struct Request {
  std::string bytes;  // as sent
  std::string name;   // upper case
  std::string key;    // the first argument, printable
};

class RequestCutter {
 public:
  void add(std::string_view bytes) { held_.append(bytes); }

  // The next complete request, if all of it has arrived.
  std::optional<Request> next() {
    size_t at = 0;
    Request request;
    if (held_.empty()) return std::nullopt;
    if (held_[0] != '*') {
      const auto line = take_line(at);
      if (!line) return std::nullopt;
      request.name = upper(line->substr(0, line->find(' ')));
      return finish(std::move(request), at);
    }
    const auto head = take_line(at);
    if (!head) return std::nullopt;
    const long count = std::atol(head->c_str() + 1);
    for (long i = 0; i < count; ++i) {
      const auto size = take_line(at);
      if (!size) return std::nullopt;
      const size_t length = std::strtoul(size->c_str() + 1, nullptr, 10);
      if (held_.size() < at + length + 2) return std::nullopt;
      if (i == 0) request.name = upper(held_.substr(at, length));
      if (i == 1) request.key = printable(held_.substr(at, std::min<size_t>(length, 40)));
      at += length + 2;
    }
    return finish(std::move(request), at);
  }

 private:
  std::optional<std::string> take_line(size_t& at) const {
    const size_t end = held_.find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    std::string line = held_.substr(at, end - at);
    at = end + 2;
    return line;
  }

  Request finish(Request request, size_t size) {
    request.bytes = held_.substr(0, size);
    held_.erase(0, size);
    return request;
  }

  static std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }

  static std::string printable(std::string text) {
    for (char& c : text) {
      if (std::isgraph(static_cast<unsigned char>(c)) == 0) c = '?';
    }
    return text;
  }

  std::string held_;
};

}  // namespace fastmeta::link
