// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/store_faults.h"

#include <algorithm>
#include <cerrno>

namespace fastmeta::sim {

namespace {
constexpr uint64_t kPassesOneIn = 8;  // accesses in a storm, if any do
}

void StoreFaults::fill(Time until, bool commits_too) {
  full_until_ = std::max(full_until_, until);
  if (commits_too) refuses_until_ = std::max(refuses_until_, until);
}

void StoreFaults::storm(Time until, bool all) {
  storm_until_ = until;
  storm_of_all_ = all;
}

void StoreFaults::end() {
  full_until_ = refuses_until_ = storm_until_ = 0;
  death_ = break_ = {};
}

void StoreFaults::opened_again() {
  broken_ = false;
  death_ = break_ = {};
}

uint64_t StoreFaults::refusals(int code) const {
  return code == ENOSPC ? full_ : code == EIO ? broke_ : 0;
}

Error StoreFaults::full() {
  ++full_;
  return {Fault::kLocalStore, ENOSPC, "the disk is full"};
}

Result<void> StoreFaults::usable() {
  if (!broken_) return {};
  ++broke_;
  return Error{Fault::kLocalStore, EIO, "the store is broken"};
}

Result<void> StoreFaults::may_write() {
  MDP_TRY_VOID(usable());
  if (scheduler_.now() < full_until_) return full();
  return {};
}

Result<void> StoreFaults::meets_nobody() {
  if (scheduler_.now() >= storm_until_ || (!storm_of_all_ && dice_.one_in(kPassesOneIn))) return {};
  return Error{Fault::kConflict, EAGAIN, "somebody else writes there"};
}

Result<StoreFaults::Fate> StoreFaults::commit() {
  if (scheduler_.now() < refuses_until_) return full();
  MDP_TRY_VOID(meets_nobody());
  if (death_.now()) return death_.after ? Fate::kDiesBehind : Fate::kDies;
  if (!break_.now()) return Fate::kDone;
  broken_ = true;
  ++broke_;
  return break_.after ? Fate::kBreaksBehind : Fate::kBreaks;
}

}  // namespace fastmeta::sim
