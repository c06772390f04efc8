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
  // Until recovered(): what an earlier life has acknowledged is not all sent yet.
  void recovering();
  void recovered();
  bool is_recovering() const;
  void stopped();
  void connection_lost();
  void connection_ready();
  // The volume's settings ask for something we do not do; empty: no longer.
  void unsupported(std::string reason);
  // Until a person says so (empty again): too many conflicts, a server that went back …
  void refused(std::string reason);
  // Latched: the volume is not the one that was opened.
  void failed(std::string reason);

  // EROFS while mutations are refused, EIO when failed.
  // content: data of a file that is open already, which is accepted as long as nothing but
  // the connection is missing.
  Result<void> may_write(bool content = false) const;
  // EIO when failed: what we hold is in another volume.
  Result<void> may_release() const;
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
  bool recovering_ = false;
  std::string unsupported_, refused_, failed_;
};

}  // namespace fastmeta::engine
