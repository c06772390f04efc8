// SPDX-License-Identifier: GPL-3.0-or-later
// One connection that serves one caller at a time: write all, read all.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "redis/event.h"
#include "redis/reply.h"
#include "redis/reply_reader.h"
#include "redis/socket.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::redis {

// An empty buffer of output that has grown beyond this is given back.
inline constexpr size_t kKeptOutputBytes = 256 << 10;

class Connection {
 public:
  // `where` names the server in messages.
  Connection(Socket socket, std::shared_ptr<const Event> stop, std::string where);

  // Sent before the commands; its reply is not among the replies.
  enum class Prelude { kNone, kUnwatch };

  // Error replies are among the replies. kDisconnected: no byte was taken by the
  // socket; kUnreachable: some were. After an Error the connection is of no use.
  Result<std::vector<Reply>> roundtrip(std::span<const Command> commands, Deadline deadline,
                                       Prelude prelude = Prelude::kNone);

  // After an Error: the replies that had come before it.
  const std::vector<Reply>& partial() const { return replies_; }

  // While idle: the server has ended it, or said something that nobody asked for.
  bool stale() const { return broken_ || socket_.has_input() || !reader_.drained(); }
  bool broken() const { return broken_; }

  // For whoever goes on reading by other means: what was read ahead is in the reader.
  Socket take_socket() { return std::move(socket_); }
  ReplyReader take_reader() { return std::move(reader_); }

 private:
  Error fail(bool anything_sent, std::string_view why);
  // Sends what is left of out_; false when the connection has ended.
  bool send_rest(size_t& sent, std::string& why);

  Socket socket_;
  ReplyReader reader_;
  std::shared_ptr<const Event> stop_;
  std::string where_;
  std::string out_;
  std::vector<Reply> replies_;
  bool broken_ = false;
};

}  // namespace fastmeta::redis
