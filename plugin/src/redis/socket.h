// SPDX-License-Identifier: GPL-3.0-or-later
// A connected stream socket that never blocks.
#pragma once

#include <sys/socket.h>

#include <string_view>

#include "redis/event.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::redis {

class Socket {
 public:
  // One transfer: how many bytes went, or why none.
  struct Moved {
    enum class How { kSome, kWouldBlock, kClosed } how;
    size_t bytes = 0;  // kSome
    int reason = 0;    // kClosed: an errno, 0 for an orderly end
  };

  Socket() = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // kDisconnected with the reason alone as its text.
  static Result<Socket> connect(const sockaddr* to, socklen_t size, Deadline deadline,
                                const Event& stop);

  Moved send(std::string_view bytes);
  Moved receive(char* into, size_t size);
  // Ends both directions; the descriptor stays, so that others may still use it.
  void shut();
  // Something has arrived, or the other side is gone.
  bool has_input() const;
  int fd() const { return fd_; }

 private:
  explicit Socket(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace fastmeta::redis
