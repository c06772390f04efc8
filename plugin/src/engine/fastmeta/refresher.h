// SPDX-License-Identifier: GPL-3.0-or-later
// Lists directories again in the background when others have changed them, so that one
// busy writer elsewhere does not turn every lookup into a question to the server. A
// bounded share of the time only, small directories only, those in use only.
//
// Threads: wanted() any; the listing on a thread of its own between start and stop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "engine/fastmeta/mirror.h"

namespace fastmeta::engine {

class Refresher {
 public:
  Refresher(Mirror& mirror, Log log) : mirror_(mirror), log_(std::move(log)) {}
  ~Refresher() { stop(); }

  void start();
  void stop();
  void wanted(model::Ino dir);

 private:
  void run();

  static constexpr size_t kQueueMax = 1024;
  // Of the time that a listing took, before the next one: a duty of 10 %.
  static constexpr int kRest = 9;

  Mirror& mirror_;
  const Log log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<model::Ino> queue_;
  std::unordered_set<model::Ino> queued_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fastmeta::engine
