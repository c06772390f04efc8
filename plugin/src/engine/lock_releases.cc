// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lock_releases.h"

#include <algorithm>

namespace fastmeta::engine {

namespace {
constexpr std::chrono::milliseconds kTryAgain{200};
constexpr std::chrono::milliseconds kAsk{20};
}  // namespace

void LockReleases::start() {
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void LockReleases::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  done_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::lock_guard lock(mutex_);
  queue_.clear();
}

void LockReleases::add(model::Ino ino, WriteRule rule) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({ino, backlog_ ? backlog_->last() : 0, std::move(rule)});
  }
  wake_.notify_one();
}

bool LockReleases::any_of(model::Ino ino) const {
  return std::any_of(queue_.begin(), queue_.end(),
                     [&](const Release& r) { return r.ino == ino; });
}

bool LockReleases::wait_for(model::Ino ino, Deadline deadline,
                            const std::function<bool()>& interrupted) {
  std::unique_lock lock(mutex_);
  while (any_of(ino) && !stopping_) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    done_.wait_for(lock, kAsk);
    lock.unlock();
    const bool enough = interrupted && interrupted();
    lock.lock();
    if (enough) return false;
  }
  return !any_of(ino);
}

size_t LockReleases::waiting() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

bool LockReleases::waits(model::Ino ino) const {
  std::lock_guard lock(mutex_);
  return any_of(ino);
}

bool LockReleases::step() {
  WriteRule rule;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty() || stopping_) return false;
    if (backlog_ && backlog_->oldest().value_or(UINT64_MAX) <= queue_.front().after) return false;
    rule = queue_.front().rule;
  }
  const Result<void> released = server_.release(rule);
  // A server that is away will be there again, or our session is over and with it the lock.
  if (!released && may_work_later(released.error())) {
    log_.debug("a lock is let go of later: {}", released.error().text);
    return false;
  }
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) queue_.pop_front();
  }
  done_.notify_all();
  return true;
}

void LockReleases::run() {
  auto stopping = [this] {
    std::lock_guard lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    uint64_t after = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      after = queue_.front().after;
    }
    if (backlog_) backlog_->wait_settled(after, Deadline::max(), stopping);
    if (step()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kTryAgain, [this] { return stopping_; });
  }
}

}  // namespace fastmeta::engine
