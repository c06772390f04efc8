// SPDX-License-Identifier: GPL-3.0-or-later
// What goes wrong with the local store of one client: its disk fills, its transactions meet
// others, it fails for good, or the process dies at a commit.
#pragma once

#include <cstdint>

#include "sim/scheduler.h"
#include "util/result.h"

namespace fastmeta::sim {

class StoreFaults {
 public:
  StoreFaults(Scheduler& scheduler, test::Dice& dice) : scheduler_(scheduler), dice_(dice) {}

  // Free space is below the reserve, or so far below it that commits are refused, too.
  void fill(Time until, bool commits_too);
  // Most transactions that write meet others, or all of them.
  void storm(Time until, bool all);
  // Both at the n-th commit from now on (0: never), before or after it counts.
  void die_at_commit(uint64_t nth, bool after) { death_ = {nth, after}; }
  void break_at_commit(uint64_t nth, bool after) { break_ = {nth, after}; }
  bool broken() const { return broken_; }

  // Nothing goes wrong any more; what is broken stays so until the store is opened again.
  void end();
  void opened_again();

  // How often it has refused with ENOSPC, or EIO.
  uint64_t refusals(int code) const;

  // -- of the store's calls
  Result<void> usable();
  Result<void> may_write();
  // An access of a transaction that writes.
  Result<void> meets_nobody();
  enum class Fate : uint8_t { kDone, kDies, kDiesBehind, kBreaks, kBreaksBehind };
  Result<Fate> commit();

 private:
  struct Nth {
    uint64_t in = 0;
    bool after = false;
    bool now() { return in > 0 && --in == 0; }
  };
  Error full();

  Scheduler& scheduler_;
  test::Dice& dice_;
  Time full_until_ = 0, refuses_until_ = 0, storm_until_ = 0;
  bool storm_of_all_ = false, broken_ = false;
  Nth death_, break_;
  uint64_t full_ = 0, broke_ = 0;
};

}  // namespace fastmeta::sim
