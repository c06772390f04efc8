// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "control/socket_path.h"
#include "control/unix_socket.h"

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A line without its newline; nothing when it does not come in time.
std::optional<std::string> receive_line(int fd, milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  std::string line;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0 || line.size() > kReplyMax) return std::nullopt;
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    char bytes[65536];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    const size_t from = line.size();
    line.append(bytes, static_cast<size_t>(got));
    if (const size_t end = line.find('\n', from); end != std::string::npos) {
      line.resize(end);
      return line;
    }
  }
}

}  // namespace

std::optional<ControlReply> ask(const std::string& socket, unsigned int user,
                                const ControlRequest& request, milliseconds timeout,
                                std::string* why) {
  const int fd = connect_unix(socket, why);
  if (fd < 0) return std::nullopt;
  if (peer_of(fd) != user) {
    ::close(fd);
    *why = "control socket " + socket + ": somebody else listens there than who has mounted";
    return std::nullopt;
  }
  std::optional<ControlReply> reply;
  if (send_all(fd, format_request(request))) {
    if (const auto line = receive_line(fd, timeout)) reply = parse_reply(*line);
  }
  ::close(fd);
  if (!reply) *why = "control socket " + socket + ": no answer from the daemon";
  return reply;
}

bool listens(const MountPoint& mount) {
  for (const std::string& socket : socket_candidates(mount.device, mount.user)) {
    std::string why;
    const int fd = connect_unix(socket, &why);
    if (fd < 0) continue;
    const bool ours = peer_of(fd) == mount.user;
    ::close(fd);
    if (ours) return true;
  }
  return false;
}

std::optional<ControlReply> ask(const MountPoint& mount, const ControlRequest& request,
                                milliseconds timeout, std::string* why) {
  why->clear();
  for (const std::string& socket : socket_candidates(mount.device, mount.user)) {
    std::string reason;
    if (auto reply = ask(socket, mount.user, request, timeout, &reason)) return reply;
    if (why->empty()) *why = reason;
  }
  if (why->empty()) *why = "control socket: its folders belong to others than who has mounted";
  return std::nullopt;
}

}  // namespace fastmeta::host
