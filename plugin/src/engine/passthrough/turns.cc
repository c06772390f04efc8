// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/turns.h"

namespace fastmeta::engine {

Turns::Turn::Turn(Turns& turns, model::Ino ino, std::chrono::milliseconds wait_max)
    : turns_(turns), ino_(ino) {
  if (ino_ == 0) return;
  std::unique_lock lock(turns_.mutex_);
  Queue& queue = turns_.queues_[ino_];
  ++queue.waiting;
  taken_ = queue.free.wait_for(lock, wait_max, [&] { return !queue.taken; });
  --queue.waiting;
  if (taken_)
    queue.taken = true;
}

Turns::Turn::~Turn() {
  if (!taken_) return;
  std::lock_guard lock(turns_.mutex_);
  auto it = turns_.queues_.find(ino_);
  it->second.taken = false;
  if (it->second.waiting > 0)
    it->second.free.notify_one();
  else
    turns_.queues_.erase(it);
}

}  // namespace fastmeta::engine
