// SPDX-License-Identifier: GPL-3.0-or-later
// A raw connection to a real server, and replies as one line each.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "redis/reply_reader.h"
#include "redis/wire.h"
#include "redis_model/redis_model.h"
#include "support/local_socket.h"
#include "util/check.h"

namespace fastmeta::test {

class RealConnection {
 public:
  explicit RealConnection(uint16_t port) : fd_(connect_local(port)) {
    MDP_CHECK(fd_ >= 0);
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    execute({"HELLO", "3"});
    replies_ = 0;
  }
  ~RealConnection() { ::close(fd_); }
  RealConnection(const RealConnection&) = delete;
  RealConnection& operator=(const RealConnection&) = delete;

  void send(const std::vector<redis::Command>& commands) {
    std::string bytes;
    redis::append_commands(bytes, commands);
    MDP_CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(bytes.size()));
  }
  // Pushes that come in front of it are kept.
  redis::Reply receive() {
    for (;;) {
      redis::Reply reply;
      const auto found = reader_.next(reply);
      MDP_CHECK(found != redis::ReplyReader::Found::kBroken);
      if (found == redis::ReplyReader::Found::kPush) {
        pushes_.push_back({std::move(reply), replies_});
        continue;
      }
      if (found == redis::ReplyReader::Found::kReply) {
        ++replies_;
        return reply;
      }
      char buffer[64 << 10];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      MDP_CHECK(got > 0);
      reader_.feed({buffer, static_cast<size_t>(got)});
    }
  }
  redis::Reply execute(const redis::Command& command) {
    send({command});
    return receive();
  }
  std::vector<Push> take_pushes() { return std::exchange(pushes_, {}); }

 private:
  const int fd_;
  redis::ReplyReader reader_;
  uint64_t replies_ = 0;
  std::vector<Push> pushes_;
};

// "text", +status, -error, :number, nil, [item, item].
inline std::string show(const redis::Reply& reply) {
  using Kind = redis::Reply::Kind;
  switch (reply.kind) {
    case Kind::kNil: return "nil";
    case Kind::kStatus: return "+" + reply.text;
    case Kind::kNumber: return ":" + std::to_string(reply.number);
    case Kind::kText: {
      std::string out = "\"";
      for (const char c : reply.text) {
        char hex[8];
        std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
        out += c >= ' ' && c <= '~' ? std::string(1, c) : std::string(hex);
      }
      return out + "\"";
    }
    case Kind::kError: {
      // The name of a script is its SHA1, which the model does not compute.
      std::string out = "-" + reply.text;
      if (const size_t at = out.find(" script: "); at != std::string::npos)
        out.replace(at + 9, 40, "-");
      return out;
    }
    case Kind::kArray: {
      std::string out = "[";
      for (const auto& item : reply.items) out += (out.size() > 1 ? ", " : "") + show(item);
      return out + "]";
    }
  }
  return "?";
}

inline std::string show(const Push& push) {
  return "after " + std::to_string(push.replies_before) + ": " + show(push.message);
}

// Words of a line; a word in single quotes may hold spaces and be empty.
inline redis::Command words(std::string_view line) {
  redis::Command out;
  for (size_t at = 0; at < line.size();) {
    const char end = line[at] == '\'' ? '\'' : ' ';
    if (end == '\'') ++at;
    const size_t stop = std::min(line.find(end, at), line.size());
    out.emplace_back(line.substr(at, stop - at));
    at = stop + 1;
    while (at < line.size() && line[at] == ' ') ++at;
  }
  return out;
}

}  // namespace fastmeta::test
