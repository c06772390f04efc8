// SPDX-License-Identifier: GPL-3.0-or-later
// Somebody who finds the local store too large all the time: the evictor takes clean rows away
// at any moment, as many as the dice say. What is pending has to stay as it is.
#pragma once

#include <functional>
#include <memory>

#include "engine/fastmeta/evictor.h"
#include "sim/scheduler.h"

namespace fastmeta::sim {

class Trimmer {
 public:
  // own_changes: a number that grows with each change to what is pending.
  Trimmer(Scheduler& scheduler, test::Dice& dice, engine::Parts& parts,
          std::function<uint64_t()> own_changes);
  ~Trimmer();

  // On a fiber of the mount's process.
  void work();
  uint64_t evicted() const { return evictor_.evicted(); }
  // Passes that have touched what was pending.
  uint64_t spoilt() const { return spoilt_; }

 private:
  class TooLarge;
  void pass();

  Scheduler& scheduler_;
  test::Dice& dice_;
  engine::Parts& parts_;
  const std::function<uint64_t()> own_changes_;
  const std::unique_ptr<TooLarge> too_large_;
  engine::Evictor evictor_;
  uint64_t spoilt_ = 0;
};

}  // namespace fastmeta::sim
