// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the volume may be written, and why not. A short loss of the
// connection is waited for; beyond the grace mutations are refused at once.
//
// Threads: any.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "util/result.h"

namespace fastmeta::engine {

enum class State { kStarting, kRecovering, kWritable, kReadOnly, kFailed, kStopped };

class Health {
 public:
  explicit Health(std::chrono::milliseconds grace) : grace_(grace) {}

  void started(bool read_only);
  void stopped();
  void connection_lost();
  void connection_ready();
  // The volume's settings ask for something we do not do; empty: no longer.
  void unsupported(std::string reason);
  // Latched: the volume is not the one that was opened.
  void failed(std::string reason);

  // EROFS while mutations are refused, EIO when failed.
  Result<void> may_write() const;
  struct Seen {
    State state = State::kStarting;
    std::string reason;
  };
  Seen seen() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  Seen seen_locked() const;

  const std::chrono::milliseconds grace_;
  mutable std::mutex mutex_;
  State life_ = State::kStarting;
  bool read_only_ = false;
  bool lost_ = false;
  Time lost_since_;
  std::string unsupported_, failed_;
};

}  // namespace fastmeta::engine
