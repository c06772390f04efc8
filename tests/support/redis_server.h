// SPDX-License-Identifier: GPL-3.0-or-later
// A redis-server of the test's own: a free port, a folder of its own, gone with
// the object, or with the thread that started it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fastmeta::test {

class RedisServer {
 public:
  // More options as on the command line, such as {"--requirepass", "x"}. Aborts
  // the test when the server does not come up.
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  uint16_t port() const { return port_; }
  std::string host_port() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(int db = 0) const {
    return "redis://" + host_port() + "/" + std::to_string(db);
  }
  std::string socket_path() const { return (folder_ / "socket").string(); }
  const std::filesystem::path& folder() const { return folder_; }

  void kill();    // at once, nothing is saved beyond what the options ask for
  void start();   // again, on the same port and folder
  void freeze();  // accepts and answers nothing
  void thaw();

  // One inline command on a connection of its own; the first bytes of the raw reply.
  std::string ask(const std::string& line) const;

 private:
  bool spawn_once();

  std::vector<std::string> options_;
  std::filesystem::path folder_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace fastmeta::test
