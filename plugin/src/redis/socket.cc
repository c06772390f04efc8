// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace fastmeta::redis {
namespace {

Error failed(int reason) {
  char text[128];
  return {Fault::kDisconnected, EIO, ::strerror_r(reason, text, sizeof text)};
}

void set_option(int fd, int level, int name, int value) {
  // Refused where it does not apply; nothing depends on it.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

void set_tcp_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

// A socket that looks for a listener on its own machine may get the very port it
// looks for as its own, and is then connected to itself.
bool is_own_peer(int fd) {
  sockaddr_storage own{};
  sockaddr_storage peer{};
  socklen_t own_size = sizeof own;
  socklen_t peer_size = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
         own_size == peer_size && memcmp(&own, &peer, own_size) == 0;
}

bool is_transient(int reason) { return reason == EAGAIN || reason == EWOULDBLOCK; }

}  // namespace

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Socket> Socket::connect(const sockaddr* to, socklen_t size, Deadline deadline,
                               const Event& stop) {
  Socket socket(::socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd_ < 0) return failed(errno);
  if (to->sa_family != AF_UNIX) set_tcp_options(socket.fd_);
  if (::connect(socket.fd_, to, size) == 0) return socket;
  if (errno != EINPROGRESS) return failed(errno);

  switch (wait_for(socket.fd_, POLLOUT, deadline, stop)) {
    case Ready::kStopped: return Error{Fault::kDisconnected, EIO, "stopped"};
    case Ready::kDeadline: return failed(ETIMEDOUT);
    case Ready::kReady: break;
  }
  int reason = 0;
  socklen_t length = sizeof reason;
  if (::getsockopt(socket.fd_, SOL_SOCKET, SO_ERROR, &reason, &length) != 0) reason = errno;
  if (reason != 0) return failed(reason);
  if (to->sa_family != AF_UNIX && is_own_peer(socket.fd_)) return failed(ECONNREFUSED);
  return socket;
}

Socket::Moved Socket::send(std::string_view bytes) {
  for (;;) {
    ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {Moved::How::kSome, static_cast<size_t>(sent)};
    if (errno == EINTR) continue;
    if (is_transient(errno)) return {Moved::How::kWouldBlock};
    return {Moved::How::kClosed, 0, errno};
  }
}

Socket::Moved Socket::receive(char* into, size_t size) {
  for (;;) {
    ssize_t got = ::recv(fd_, into, size, 0);
    if (got > 0) return {Moved::How::kSome, static_cast<size_t>(got)};
    if (got == 0) return {Moved::How::kClosed, 0, 0};
    if (errno == EINTR) continue;
    if (is_transient(errno)) return {Moved::How::kWouldBlock};
    return {Moved::How::kClosed, 0, errno};
  }
}

void Socket::shut() { ::shutdown(fd_, SHUT_RDWR); }

bool Socket::has_input() const {
  pollfd one{fd_, POLLIN, 0};
  return ::poll(&one, 1, 0) != 0;
}

}  // namespace fastmeta::redis
