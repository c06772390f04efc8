// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/connection.h"

#include <errno.h>
#include <string.h>

#include <utility>

#include "redis/wire.h"
#include "util/log.h"

namespace fastmeta::redis {
namespace {

constexpr size_t kReceiveBytes = 64 << 10;

std::string describe_end(int reason) {
  char text[128];
  if (reason == 0) return "the server closed the connection";
  return ::strerror_r(reason, text, sizeof text);
}

}  // namespace

Connection::Connection(Socket socket, std::shared_ptr<const Event> stop, std::string where)
    : socket_(std::move(socket)), stop_(std::move(stop)), where_(std::move(where)) {}

Error Connection::fail(bool anything_sent, std::string_view why) {
  broken_ = true;
  Fault fault = anything_sent ? Fault::kUnreachable : Fault::kDisconnected;
  return {fault, EIO, fmt::format("{}: {}", where_, why)};
}

bool Connection::send_rest(size_t& sent, std::string& why) {
  while (sent < out_.size()) {
    Socket::Moved moved = socket_.send(std::string_view(out_).substr(sent));
    if (moved.how == Socket::Moved::How::kWouldBlock) return true;
    if (moved.how == Socket::Moved::How::kClosed) {
      why = describe_end(moved.reason);
      return false;
    }
    sent += moved.bytes;
  }
  return true;
}

Result<std::vector<Reply>> Connection::roundtrip(std::span<const Command> commands,
                                                 Deadline deadline, Prelude prelude) {
  replies_.clear();
  if (broken_) return fail(false, "the connection has failed before");
  if (std::chrono::steady_clock::now() >= deadline) return fail(false, "the deadline has passed");
  out_.clear();
  size_t skipped = prelude == Prelude::kUnwatch ? 1 : 0;
  if (skipped > 0) append_command(out_, {"UNWATCH"});
  append_commands(out_, commands);
  replies_.reserve(commands.size());
  size_t sent = 0;
  std::string why;

  while (replies_.size() < commands.size()) {
    if (!send_rest(sent, why)) return fail(sent > 0, why);

    short events = sent < out_.size() ? POLLIN | POLLOUT : POLLIN;
    short seen = 0;
    switch (wait_for(socket_.fd(), events, deadline, *stop_, &seen)) {
      case Ready::kStopped: return fail(sent > 0, "stopped");
      case Ready::kDeadline: return fail(sent > 0, "no reply within the deadline");
      case Ready::kReady: break;
    }
    if ((seen & ~POLLOUT) == 0) continue;

    char buffer[kReceiveBytes];
    Socket::Moved moved = socket_.receive(buffer, sizeof buffer);
    if (moved.how == Socket::Moved::How::kClosed) return fail(sent > 0, describe_end(moved.reason));
    if (moved.how == Socket::Moved::How::kSome) reader_.feed({buffer, moved.bytes});

    Reply reply;
    ReplyReader::Found found = ReplyReader::Found::kReply;
    while (replies_.size() < commands.size() &&
           (found = reader_.next(reply)) != ReplyReader::Found::kNothing) {
      if (found == ReplyReader::Found::kBroken)
        return fail(true, fmt::format("not a Redis reply: {}", reader_.error()));
      if (found == ReplyReader::Found::kPush) continue;
      if (skipped > 0)
        --skipped;
      else
        replies_.push_back(std::move(reply));
    }
  }
  if (out_.capacity() > kKeptOutputBytes) std::string().swap(out_);
  return std::move(replies_);
}

}  // namespace fastmeta::redis
