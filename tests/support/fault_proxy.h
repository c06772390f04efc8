// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP proxy in the test's process that delays, cuts and swallows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fastmeta::test {

class FaultProxy {
 public:
  enum class To { kServer, kClient };
  enum class How { kClose, kReset };  // an orderly end, or RST

  explicit FaultProxy(uint16_t server_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  // Each byte arrives so much later.
  void delay(std::chrono::milliseconds each_way);
  // `bytes` more in that direction, on whichever connection; then the connection
  // that carries the next one ends without it. Once.
  void cut_after(To direction, size_t bytes, How how = How::kReset);
  // What the server answers to a request that holds this text is dropped and the
  // connection ended: the server has done it, the client does not know. Once.
  void cut_reply_to(std::string text);
  // None of the above from now on.
  void disarm();
  // Takes everything, passes on nothing; new connections are taken too.
  void swallow(bool on);
  // Ends new connections at once.
  void refuse(bool on);
  // Ends the present ones.
  void cut_all(How how = How::kReset);

  size_t accepted() const;  // connections so far
  size_t cuts() const;      // how often an armed cut has happened

 private:
  struct Chunk {
    std::chrono::steady_clock::time_point due;
    std::string bytes;
  };
  struct Pair {
    int client = -1;
    int server = -1;
    std::deque<Chunk> to_server;
    std::deque<Chunk> to_client;
    std::string asked;       // the end of what the client has sent
    bool drop_reply = false;
    bool dead = false;
  };

  void run();
  void accept_one();
  void move(Pair& pair, To direction);
  void write_due(Pair& pair, To direction);
  void end(Pair& pair, How how);
  int next_wait_ms();

  const uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::chrono::milliseconds delay_{0};
  bool is_armed_ = false;
  To cut_direction_ = To::kServer;
  size_t cut_bytes_ = 0;
  How cut_how_ = How::kReset;
  std::string cut_text_;
  bool swallows_ = false;
  bool refuses_ = false;
  bool stopped_ = false;
  size_t accepted_ = 0;
  size_t cuts_ = 0;

  std::thread thread_;
};

}  // namespace fastmeta::test
