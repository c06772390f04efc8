// SPDX-License-Identifier: GPL-3.0-or-later
// Threads that take jobs from one queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fastmeta::host {

class WorkerPool {
 public:
  ~WorkerPool() { stop(); }

  void start(size_t threads);
  // Runs what is queued, then joins. No job may call it.
  void stop();

  // Without threads (before start, after stop) the job runs in the caller. The
  // queue is bounded by what jobs hold: see BufferPool.
  void submit(std::function<void()> job);
  // Not taken when `queued_max` jobs wait already, nor without threads.
  bool try_submit(std::function<void()> job, size_t queued_max);

 private:
  void run();

  std::mutex mutex_;  // a leaf
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool running_ = false;                     // guarded by mutex_
  std::vector<std::thread> threads_;         // start and stop only
};

}  // namespace fastmeta::host
