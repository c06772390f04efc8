// SPDX-License-Identifier: GPL-3.0-or-later
// Lets writers of one inode go one after another, so that threads of this
// process do not make each other's transactions fail. Only an economy: who has
// waited for `wait_max` goes on without a turn, and WATCH alone keeps things right.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_map>

#include "model/types.h"

namespace fastmeta::engine {

class Turns {
 public:
  class Turn {
   public:
    Turn(Turns& turns, model::Ino ino, std::chrono::milliseconds wait_max);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
    const model::Ino ino_;
    bool taken_ = false;
  };

 private:
  struct Queue {
    bool taken = false;
    size_t waiting = 0;
    std::condition_variable free;
  };
  std::mutex mutex_;
  std::unordered_map<model::Ino, Queue> queues_;
};

}  // namespace fastmeta::engine
