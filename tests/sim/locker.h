// SPDX-License-Identifier: GPL-3.0-or-later
// Programs on different mounts that count up one number under one lock, as programs do that
// know of each other by nothing else. A session may be cleaned away while its lock is held:
// then what was written under it must not reach the server behind its successor's.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "sim/client.h"
#include "sim/user.h"

namespace fastmeta::sim {

// What all of them have done. A count is "<number> <name of the count>".
struct Counted {
  std::set<std::string> acknowledged, unanswered;  // names of counts
};

class Locker {
 public:
  static constexpr const char* kXattr = "user.count";

  Locker(Scheduler& scheduler, test::Dice& dice, SimMount& mount, model::Ino file,
         Counted& counted, std::function<void(std::string)> log)
      : scheduler_(scheduler),
        dice_(dice),
        mount_(mount),
        file_(file),
        counted_(counted),
        log_(std::move(log)) {}

  // On a fiber of the mount's process: until `stop` says so.
  void work(const std::function<bool()>& stop);

 private:
  bool lock(uint64_t owner, const std::function<bool()>& stop);
  Result<std::string> count();
  void count_up(uint64_t owner);
  void unlock(uint64_t owner);

  Scheduler& scheduler_;
  test::Dice& dice_;
  SimMount& mount_;
  const model::Ino file_;
  Counted& counted_;
  const std::function<void(std::string)> log_;
  uint64_t tries_ = 0;
};

// Every acknowledged count is in the server's history, or undone() has it, and they follow each
// other without a gap. lossy: a power loss may have taken some.
void check_counts(const History& history, model::Ino file, const Counted& counted,
                  const std::set<std::string>& undone, bool lossy, Findings& findings);

}  // namespace fastmeta::sim
