// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/worker_pool.h"

#include <utility>

namespace fastmeta::host {

void WorkerPool::start(size_t threads) {
  std::lock_guard lock(mutex_);
  if (running_) return;
  running_ = true;
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void WorkerPool::stop() {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (running_) {
      queue_.push_back(std::move(job));
      job = nullptr;
    }
  }
  if (job) {
    job();
  } else {
    wake_.notify_one();
  }
}

bool WorkerPool::try_submit(std::function<void()> job, size_t queued_max) {
  {
    std::lock_guard lock(mutex_);
    if (!running_ || queue_.size() >= queued_max) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !queue_.empty() || !running_; });
    if (queue_.empty()) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may take other locks when it goes
    lock.lock();
  }
}

}  // namespace fastmeta::host
