// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/backlog.h"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace fastmeta::engine {

namespace {
constexpr std::chrono::milliseconds kSlowDown{1};  // a write each, beyond the soft limit
constexpr uint64_t kSoftPercent = 80;
constexpr std::chrono::milliseconds kAsk{50};
}  // namespace

bool Backlog::full() const {
  if (items_.size() >= limits_.records_max || bytes_ >= limits_.bytes_max) return true;
  if (limits_.age_max.count() == 0 || items_.empty()) return false;
  const int64_t age = Clock().now().since(items_.begin()->second.time);
  return age > std::chrono::nanoseconds(limits_.age_max).count();
}

Result<void> Backlog::admit(const std::function<Result<void>()>& may) {
  std::unique_lock lock(mutex_);
  if (!full()) {
    const bool near = items_.size() * 100 >= limits_.records_max * kSoftPercent ||
                      bytes_ / 100 * 100 >= limits_.bytes_max / 100 * kSoftPercent;
    lock.unlock();
    if (near) std::this_thread::sleep_for(kSlowDown);
    return {};
  }
  const Deadline deadline = deadline_in(limits_.stall_max);
  while (full()) {
    lock.unlock();
    MDP_TRY_VOID(may());
    lock.lock();
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline)
      return Error{Fault::kAnswer, ENOSPC,
                   "the backlog is full (backlog.records-max, backlog.bytes-max, "
                   "backlog.age-max) and nothing could be sent in time"};
    if (full()) room_.wait_until(lock, std::min(deadline, now + kAsk));
  }
  return {};
}

void Backlog::add(uint64_t seq, Item item) {
  bytes_ += item.bytes;
  space_ += item.space;
  inodes_ += item.inodes;
  recovered_ += item.recovered;
  last_ = std::max(last_, seq);
  items_.emplace(seq, item);
}

void Backlog::added(uint64_t seq, uint64_t bytes, Timestamp time, int64_t space, int64_t inodes) {
  std::lock_guard lock(mutex_);
  add(seq, {bytes, time, space, inodes, false});
  if (hints_.size() < kHintsMax) hints_.push_back(seq);
  if (hints_.size() == 1) wake_.notify_one();
}

void Backlog::recovered(uint64_t seq, uint64_t bytes, Timestamp time, int64_t space,
                        int64_t inodes) {
  std::lock_guard lock(mutex_);
  add(seq, {bytes, time, space, inodes, true});
}

void Backlog::removed(uint64_t seq) {
  std::lock_guard lock(mutex_);
  auto it = items_.find(seq);
  if (it == items_.end()) return;
  bytes_ -= it->second.bytes;
  space_ -= it->second.space;
  inodes_ -= it->second.inodes;
  recovered_ -= it->second.recovered;
  excused_ -= it->second.excused;
  ++sent_;
  sent_rate_.happened(std::chrono::steady_clock::now());
  items_.erase(it);
  room_.notify_all();
  settled_.notify_all();
}

void Backlog::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, most, [&] { return kicked_ || !hints_.empty(); });
  kicked_ = false;
  hints_.clear();
}

void Backlog::kick() {
  std::lock_guard lock(mutex_);
  kicked_ = true;
  wake_.notify_one();
}

void Backlog::linger(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, most, [&] { return kicked_ || waiters_ > 0; });
}

uint64_t Backlog::last() const {
  std::lock_guard lock(mutex_);
  return last_;
}

std::optional<uint64_t> Backlog::oldest() const {
  std::lock_guard lock(mutex_);
  if (items_.empty()) return std::nullopt;
  return items_.begin()->first;
}

bool Backlog::wait_settled(uint64_t seq, Deadline deadline,
                           const std::function<bool()>& gave_up) {
  std::unique_lock lock(mutex_);
  ++waiters_;
  wake_.notify_one();
  struct Leaves {
    int& waiters;
    ~Leaves() { --waiters; }
  } leaves{waiters_};  // under the lock, which goes after it
  for (;;) {
    if (items_.empty() || items_.begin()->first > seq) return true;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    if (gave_up) {
      lock.unlock();
      const bool enough = gave_up();
      lock.lock();
      if (enough) return items_.empty() || items_.begin()->first > seq;
    }
    settled_.wait_until(lock, std::min(deadline, now + kAsk));
  }
}

bool Backlog::any_recovered() const {
  std::lock_guard lock(mutex_);
  return recovered_ > excused_;
}

bool Backlog::any_of_before() const {
  std::lock_guard lock(mutex_);
  return recovered_ > 0;
}

void Backlog::excuse(uint64_t seq) {
  std::lock_guard lock(mutex_);
  auto it = items_.find(seq);
  if (it == items_.end() || !it->second.recovered || it->second.excused) return;
  it->second.excused = true;
  ++excused_;
}

Backlog::Seen Backlog::seen() const {
  std::lock_guard lock(mutex_);
  Seen seen;
  seen.records = items_.size();
  seen.bytes = bytes_;
  if (!items_.empty()) seen.oldest = items_.begin()->second.time;
  seen.used_space = space_;
  seen.used_inodes = inodes_;
  seen.sent = sent_;
  seen.sent_per_s = sent_rate_.per_second(std::chrono::steady_clock::now());
  return seen;
}

}  // namespace fastmeta::engine
