// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/health.h"

#include <cerrno>

namespace fastmeta::engine {

void Health::started(bool read_only) {
  std::lock_guard lock(mutex_);
  life_ = State::kWritable;
  read_only_ = read_only;
}

void Health::recovering() {
  std::lock_guard lock(mutex_);
  recovering_ = true;
}

void Health::recovered() {
  std::lock_guard lock(mutex_);
  recovering_ = false;
}

bool Health::is_recovering() const {
  std::lock_guard lock(mutex_);
  return recovering_;
}

void Health::stopped() {
  std::lock_guard lock(mutex_);
  life_ = State::kStopped;
}

void Health::connection_lost() {
  std::lock_guard lock(mutex_);
  if (!lost_) lost_since_ = std::chrono::steady_clock::now();
  lost_ = true;
}

void Health::connection_ready() {
  std::lock_guard lock(mutex_);
  lost_ = false;
}

void Health::unsupported(std::string reason) {
  std::lock_guard lock(mutex_);
  unsupported_ = std::move(reason);
}

void Health::refused(std::string reason) {
  std::lock_guard lock(mutex_);
  refused_ = std::move(reason);
}

void Health::failed(std::string reason) {
  std::lock_guard lock(mutex_);
  if (failed_.empty()) failed_ = std::move(reason);
}

Health::Seen Health::seen_locked() const {
  if (life_ != State::kWritable) return {life_, {}};
  if (!failed_.empty()) return {State::kFailed, failed_};
  // First: it needs somebody, and what is found at a reconnect ends the loss for nobody.
  if (!refused_.empty()) return {State::kReadOnly, refused_};
  if (lost_ && std::chrono::steady_clock::now() - lost_since_ > grace_)
    return {State::kReadOnly, "the connection to the metadata server is lost"};
  if (!unsupported_.empty()) return {State::kReadOnly, unsupported_};
  if (read_only_) return {State::kReadOnly, "opened read-only"};
  if (recovering_)
    return {State::kRecovering, "changes of an earlier start are being sent"};
  return {State::kWritable, {}};
}

Health::Seen Health::seen() const {
  std::lock_guard lock(mutex_);
  return seen_locked();
}

Result<void> Health::may_release() const {
  std::lock_guard lock(mutex_);
  return failed_.empty() ? Result<void>() : Error{Fault::kAnswer, EIO, failed_};
}

Result<void> Health::may_write(bool content) const {
  Seen now;
  {
    std::lock_guard lock(mutex_);
    now = seen_locked();
    // Not while recovering: where the numbers of records go on is not known yet.
    const bool only_lost = lost_ && !recovering_ && life_ == State::kWritable && !read_only_ &&
                           failed_.empty() && refused_.empty() && unsupported_.empty();
    if (content && only_lost) return {};
  }
  switch (now.state) {
    case State::kWritable: return {};
    case State::kFailed: return Error{Fault::kAnswer, EIO, now.reason};
    default: return Error{Fault::kAnswer, EROFS, now.reason};
  }
}

}  // namespace fastmeta::engine
