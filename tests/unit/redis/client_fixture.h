// SPDX-License-Identifier: GPL-3.0-or-later
// A client with short times, and what its hooks were told.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "redis/client.h"
#include "support/redis_server.h"

namespace fastmeta::redis {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline ClientOptions options_for(const std::string& url) {
  ClientOptions options;
  auto address = parse_address(url);
  MDP_CHECK(address);
  options.address = *address;
  options.connect_timeout = 2s;
  options.command_deadline = 5s;
  options.backoff_initial = 5ms;
  options.backoff_max = 50ms;
  options.ping_interval = 200ms;
  options.ping_timeout = 5s;
  options.tracked_prefixes = {"i", "d"};
  return options;
}

// Everything the hooks were told, in order: "ready", "lost", "flush", "key k".
class Events {
 public:
  ClientHooks hooks() {
    ClientHooks out;
    out.on_invalidate = [this](std::span<const std::string> keys) {
      for (const std::string& key : keys) add("key " + key);
    };
    out.on_flush = [this] { add("flush"); };
    out.on_lost = [this] { add("lost"); };
    out.on_ready = [this] { add("ready"); };
    return out;
  }

  void add(std::string what) {
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::vector<std::string> all() const {
    std::lock_guard lock(mutex_);
    return all_;
  }
  size_t count(const std::string& what) const {
    std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::count(all_.begin(), all_.end(), what));
  }
  // False when it has not been told `times` times by then.
  bool wait_for(const std::string& what, long times = 1, std::chrono::milliseconds most = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, most, [&] { return std::count(all_.begin(), all_.end(), what) >= times; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

// The lines of a client's log.
class LogLines {
 public:
  Log log() {
    return Log([this](LogLevel, std::string_view line) {
      std::lock_guard lock(mutex_);
      text_.append(line).push_back('\n');
    });
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Opened and started, stopped at the end.
struct RunningClient {
  explicit RunningClient(const ClientOptions& options) {
    auto opened = Client::open(options, lines.log());
    if (!opened) {
      ADD_FAILURE() << opened.error().text;
      std::abort();
    }
    client = std::move(*opened);
    auto started = client->start(events.hooks());
    EXPECT_TRUE(started) << (started ? "" : started.error().text);
  }
  ~RunningClient() { client->stop(); }
  Client* operator->() const { return client.get(); }

  // What the hooks use outlives the client.
  Events events;
  LogLines lines;
  std::unique_ptr<Client> client;
};

inline std::string text_of(const Result<Reply>& reply) {
  if (!reply) return "error: " + reply.error().text;
  return reply->nil() ? "(nil)" : reply->text;
}

}  // namespace fastmeta::redis
