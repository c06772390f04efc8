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

void LockReleases::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const uint64_t after = queue_.front().after;
    const WriteRule rule = queue_.front().rule;
    lock.unlock();
    auto stopping = [this] {
      std::lock_guard again(mutex_);
      return stopping_;
    };
    const bool settled =
        !backlog_ || backlog_->wait_settled(after, Deadline::max(), stopping);
    Result<void> released = settled ? server_.release(rule) : Result<void>();
    lock.lock();
    if (stopping_) return;
    // A server that is away will be there again, or our session is over and with it
    // the lock.
    if (!released && may_work_later(released.error())) {
      log_.debug("a lock is let go of later: {}", released.error().text);
      wake_.wait_for(lock, kTryAgain, [&] { return stopping_; });
      continue;
    }
    queue_.pop_front();
    done_.notify_all();
  }
}

}  // namespace fastmeta::engine
