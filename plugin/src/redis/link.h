// SPDX-License-Identifier: GPL-3.0-or-later
// The state of one shared connection, and of the calls that wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "redis/reply_reader.h"
#include "redis/socket.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::redis {

// One call. A read's lives on its caller's stack: the caller leaves only after finish(),
// or after taking it out of every list under the pipeline's lock. A block's (see
// Pipeline::send) is on the heap, as nobody may be waiting for it.
class Request {
 public:
  explicit Request(std::span<const Command> c) : commands(c) {}

  const std::span<const Command> commands;
  std::vector<Reply> replies;  // by the thread that delivers, until finish()
  bool sent = false;           // guarded by the pipeline's lock
  uint64_t begin = 0;          // of a block: the bytes of the connection in front of it

  void finish(std::optional<Error> error = std::nullopt) {
    // Notified under the lock: once it is released the request may be gone.
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
    finished_ = true;
    changed_.notify_one();
  }

  bool wait_until(Deadline deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [this] { return finished_; });
  }

  Result<std::vector<Reply>> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finished_; });
    if (error_) return *std::move(error_);
    return std::move(replies);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;       // guarded by mutex_
  std::optional<Error> error_;  // guarded by mutex_
};

// Replies to come, in the order of the wire.
struct Expected {
  Request* request = nullptr;  // none: a PING, or its caller has left
  size_t left = 0;             // replies
  bool is_ping = false;
  std::shared_ptr<Request> block = nullptr;  // keeps `request` of one; never sent again
};

struct Link {
  Link(Socket s, ReplyReader r, uint64_t e)
      : socket(std::move(s)), reader(std::move(r)), epoch(e) {}

  Socket socket;
  ReplyReader reader;  // the pipeline's thread
  const uint64_t epoch;

  // Guarded by the pipeline's lock, except that `sending` and `sent` belong to
  // whoever has set `is_sending`.
  std::deque<Expected> expected;
  std::string waiting;      // bytes to write
  std::string sending;      // bytes being written
  size_t sent = 0;          // of them
  bool is_sending = false;
  bool needs_room = false;  // the socket is full: the thread goes on when it is not
  uint64_t written = 0;     // bytes that the socket took since the greeting

  // Bytes to come before what is appended now, and those that may have left.
  uint64_t end() const { return written + (sending.size() - sent) + waiting.size(); }
  uint64_t offered() const { return written + (is_sending ? sending.size() - sent : 0); }

  // The end of the link: what is not offered by now will never be.
  void shut() {
    waiting.clear();
    socket.shut();
  }

  // The pipeline's thread.
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point received = since;
  std::chrono::steady_clock::time_point pinged = since;
  bool ping_waits = false;  // for its answer
};

}  // namespace fastmeta::redis
