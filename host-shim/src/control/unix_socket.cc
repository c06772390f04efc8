// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fastmeta::host {
namespace {

constexpr int kBacklog = 16;
constexpr timeval kSendTimeout{10, 0};

std::optional<sockaddr_un> address_of(const std::string& path, std::string* why) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    *why = "control socket " + path + ": the path is longer than " +
           std::to_string(sizeof address.sun_path - 1) + " bytes (host.control.socket)";
    return std::nullopt;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int give_up(int fd, const std::string& path, std::string* why) {
  *why = "control socket " + path + ": " + std::strerror(errno);
  ::close(fd);
  return -1;
}

}  // namespace

int listen_unix(const std::string& path, bool replace, std::string* why) {
  const auto address = address_of(path, why);
  if (!address) return -1;
  std::string nobody;
  if (const int other = replace ? -1 : connect_unix(path, &nobody); other >= 0) {
    ::close(other);
    *why = "control socket " + path + ": another process listens there";
    return -1;
  }
  struct stat st{};
  if (::lstat(path.c_str(), &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISLNK(st.st_mode))) {
    ::unlink(path.c_str());
  }

  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* to = reinterpret_cast<const sockaddr*>(&*address);
  // The mode of the socket itself is what bind gives to its file.
  if (fd < 0 || ::fchmod(fd, 0600) != 0 || ::bind(fd, to, sizeof *address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd, kBacklog) != 0) {
    return give_up(fd, path, why);
  }
  return fd;
}

int connect_unix(const std::string& path, std::string* why) {
  const auto address = address_of(path, why);
  if (!address) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* to = reinterpret_cast<const sockaddr*>(&*address);
  if (fd < 0 || ::connect(fd, to, sizeof *address) != 0) return give_up(fd, path, why);
  return fd;
}

std::optional<unsigned int> peer_of(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

bool send_all(int fd, const std::string& bytes) {
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof kSendTimeout);
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

}  // namespace fastmeta::host
