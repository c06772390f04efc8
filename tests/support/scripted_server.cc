// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/scripted_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "support/local_socket.h"

namespace fastmeta::test {
namespace {

// Takes one complete command off the front: *2\r\n$3\r\nGET\r\n$1\r\na\r\n.
bool take_command(std::string& bytes, ScriptedServer::Words& out) {
  size_t at = 0;
  auto number = [&](char type) -> long {
    size_t end = bytes.find("\r\n", at);
    if (end == std::string::npos || bytes[at] != type) return -1;
    long value = std::strtol(bytes.c_str() + at + 1, nullptr, 10);
    at = end + 2;
    return value;
  };
  out.clear();
  if (bytes.empty()) return false;
  long words = number('*');
  if (words < 0) return false;
  for (long i = 0; i < words; ++i) {
    if (at >= bytes.size()) return false;
    long size = number('$');
    if (size < 0 || bytes.size() < at + static_cast<size_t>(size) + 2) return false;
    out.push_back(bytes.substr(at, static_cast<size_t>(size)));
    at += static_cast<size_t>(size) + 2;
  }
  bytes.erase(0, at);
  return true;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = listen_local(port_);
  acceptor_ = std::thread([this] {
    for (size_t connection = 0;; ++connection) {
      int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      sockets_.push_back(fd);
      threads_.emplace_back([this, fd, connection] { serve(fd, connection); });
    }
  });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  for (std::thread& thread : threads_) thread.join();
  for (int fd : sockets_) ::close(fd);
  ::close(listener_);
}

void ScriptedServer::serve(int fd, size_t connection) {
  std::string bytes;
  Words command;
  char buffer[16 << 10];
  for (;;) {
    while (take_command(bytes, command)) {
      auto answer = script_(connection, command);
      bool sent = answer && ::send(fd, answer->data(), answer->size(), MSG_NOSIGNAL) >= 0;
      if (sent) continue;
      ::shutdown(fd, SHUT_RDWR);
      return;
    }
    ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

std::string ScriptedServer::usual(const Words& command) {
  const std::string& name = command.front();
  if (name == "HELLO") return "%1\r\n$5\r\nproto\r\n:3\r\n";
  if (name == "PING") return "+PONG\r\n";
  if (name == "EXEC") return "-ERR EXEC without MULTI\r\n";
  if (name == "GET") return "_\r\n";
  if (name == "INFO") {
    std::string text = "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\n";
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  return "+OK\r\n";
}

}  // namespace fastmeta::test
