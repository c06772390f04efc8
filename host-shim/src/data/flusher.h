// SPDX-License-Identifier: GPL-3.0-or-later
// The thread that finishes slices which are old, or which hold memory that a
// writer waits for.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "data/core.h"

namespace fastmeta::host {

class Flusher {
 public:
  explicit Flusher(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~Flusher() { stop(); }

  void start();
  void stop();

 private:
  void run();
  void relieve();

  const std::shared_ptr<Core> core_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fastmeta::host
