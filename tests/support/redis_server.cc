// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "support/local_socket.h"

namespace fastmeta::test {
namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "redis server of the test: %s\n", why.c_str());
  std::abort();
}

std::string ask_port(uint16_t port, const std::string& line) {
  std::string reply;
  int fd = connect_local(port);
  if (fd < 0) return reply;
  timeval patience{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string text = line + "\r\n";
  char buffer[4096];
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
    ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got > 0) reply.assign(buffer, static_cast<size_t>(got));
  }
  ::close(fd);
  return reply;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> options) : options_(std::move(options)) {
  std::string name = (std::filesystem::temp_directory_path() / "fastmeta-redis-XXXXXX").string();
  if (!::mkdtemp(name.data())) die("no folder " + name);
  folder_ = name;
  // Another process may take a port between the look and the use of it.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    if (spawn_once()) return;
  }
  die("does not start");
}

RedisServer::~RedisServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start() {
  if (!spawn_once()) die("does not start again");
}

bool RedisServer::spawn_once() {
  std::vector<std::string> words{"redis-server", "--port", std::to_string(port_),
                                 "--bind", "127.0.0.1", "--dir", folder_.string(),
                                 "--unixsocket", socket_path(), "--daemonize", "no",
                                 "--save", "", "--appendonly", "no"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string log = (folder_ / "log").string();

  pid_ = ::fork();
  if (pid_ < 0) die("cannot fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < until) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 127) die("redis-server is not installed");
      return false;
    }
    // With a password it answers NOAUTH, which shows as well that it is up.
    std::string reply = ask_port(port_, "INFO server");
    if (reply.find("process_id:" + std::to_string(pid_)) != std::string::npos) return true;
    if (reply.starts_with("-NOAUTH") || reply.starts_with("-NOPERM")) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  die("does not answer");
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::freeze() { ::kill(pid_, SIGSTOP); }

void RedisServer::thaw() { ::kill(pid_, SIGCONT); }

std::string RedisServer::ask(const std::string& line) const { return ask_port(port_, line); }

}  // namespace fastmeta::test
