// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include "control/folder_lock.h"
#include "control/unix_socket.h"

namespace fastmeta::host {
namespace {

constexpr int kIdleMs = 30'000;

bool may_ask(int connection) {
  const auto peer = peer_of(connection);
  return peer && (*peer == 0 || *peer == ::geteuid());
}

// 0 when there is none.
uint64_t inode_of(const std::string& path) {
  struct stat st{};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

}  // namespace

std::unique_ptr<ControlServer> ControlServer::listen(const std::string& path, const Ours& ours,
                                                     ControlHandler handler, std::string* why) {
  const FolderLock lock(path);
  if (ours && !ours()) {
    *why = "control socket " + path + ": it is not ours any more";
    return nullptr;
  }
  const int fd = listen_unix(path, ours != nullptr, why);
  if (fd < 0) return nullptr;
  std::unique_ptr<ControlServer> out(new ControlServer(path, fd, std::move(handler)));
  out->thread_ = std::thread([server = out.get()] { server->run(); });
  return out;
}

ControlServer::ControlServer(std::string path, int listener, ControlHandler handler)
    : path_(std::move(path)),
      file_(inode_of(path_)),
      listener_(listener),
      quit_(::eventfd(0, EFD_CLOEXEC)),
      handler_(std::move(handler)) {}

void ControlServer::link_from(const std::string& other, const Ours& ours) {
  const FolderLock lock(other);
  if (!ours()) return;
  ::unlink(other.c_str());
  if (::symlink(path_.c_str(), other.c_str()) == 0) link_ = other;
}

ControlServer::~ControlServer() {
  {
    const FolderLock lock(path_);
    // Its inode is not another's while the listener is open.
    if (inode_of(path_) == file_) ::unlink(path_.c_str());
  }
  if (!link_.empty()) {
    const FolderLock lock(link_);
    char target[PATH_MAX];
    const ssize_t n = ::readlink(link_.c_str(), target, sizeof target);
    if (n >= 0 && path_ == std::string_view(target, static_cast<size_t>(n))) {
      ::unlink(link_.c_str());
    }
  }
  const uint64_t one = 1;
  while (::write(quit_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  if (thread_.joinable()) thread_.join();
  for (int left = connections_; left != 0; left = connections_) connections_.wait(left);
  ::close(listener_);
  ::close(quit_);
}

void ControlServer::run() {
  for (;;) {
    pollfd fds[] = {{listener_, POLLIN, 0}, {quit_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    if (!may_ask(connection) || connections_ >= kConnectionsMax) {
      ::close(connection);
      continue;
    }
    ++connections_;
    const auto done = [this, connection] {
      ::close(connection);
      --connections_;
      connections_.notify_all();
    };
    try {
      std::thread([this, connection, done] {
        serve(connection);
        done();
      }).detach();
    } catch (const std::system_error&) {
      done();
    }
  }
}

// One request after the other, until the client leaves, is silent for long or sends
// a line that is too long to be one.
void ControlServer::serve(int connection) {
  std::string buffer;
  for (;;) {
    const size_t end = buffer.find('\n');
    if (end == std::string::npos) {
      if (buffer.size() > kRequestMax) {
        send_all(connection, format_failure("the request is too long"));
        return;
      }
      pollfd fds[] = {{connection, POLLIN, 0}, {quit_, POLLIN, 0}};
      const int ready = ::poll(fds, 2, kIdleMs);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0 || fds[1].revents != 0) return;
      char bytes[4096];
      const ssize_t got = ::recv(connection, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      buffer.append(bytes, static_cast<size_t>(got));
      continue;
    }
    std::string why;
    const auto request = parse_request(std::string_view(buffer).substr(0, end), &why);
    const std::string reply = request ? handler_(*request) : format_failure(why);
    buffer.erase(0, end + 1);
    if (!send_all(connection, reply)) return;
  }
}

}  // namespace fastmeta::host
