// SPDX-License-Identifier: GPL-3.0-or-later
// A server that speaks as the test says: for what a real one does seldom, or at a
// moment that a test cannot choose.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace fastmeta::test {

class ScriptedServer {
 public:
  using Words = std::vector<std::string>;
  // The bytes to send for a command on the n-th connection (from 0), or nothing
  // to end that connection. Called on the connection's thread.
  using Script = std::function<std::optional<std::string>(size_t connection, const Words&)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  // What a healthy, empty server of version 7 answers.
  static std::string usual(const Words& command);

 private:
  void serve(int fd, size_t connection);

  const Script script_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<int> sockets_;           // guarded by mutex_
  std::vector<std::thread> threads_;   // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace fastmeta::test
