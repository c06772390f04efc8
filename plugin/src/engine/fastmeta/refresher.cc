// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/refresher.h"

namespace fastmeta::engine {

void Refresher::start() {
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Refresher::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Refresher::wanted(model::Ino dir) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= kQueueMax || !queued_.insert(dir).second) return;
    queue_.push_back(dir);
  }
  wake_.notify_one();
}

void Refresher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const model::Ino dir = queue_.front();
    queue_.pop_front();
    queued_.erase(dir);
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    if (auto done = mirror_.refresh(dir); !done)
      log_.debug("directory {} was not listed again: {}", dir, done.error().text);
    const auto took = std::chrono::steady_clock::now() - begin;
    lock.lock();
    wake_.wait_for(lock, took * kRest, [&] { return stopping_; });
  }
}

}  // namespace fastmeta::engine
