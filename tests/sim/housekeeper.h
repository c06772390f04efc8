// SPDX-License-Identifier: GPL-3.0-or-later
// What a standard client does beside its users: merges the slices of chunks, deletes the data
// of files that are gone, and cleans up after sessions that ran out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/slices.h"

namespace fastmeta::sim {

class Housekeeper {
 public:
  Housekeeper(Scheduler& scheduler, test::Dice& dice, SimMount& mount, const History& history,
              Slices& slices, std::function<void(std::string)> log)
      : scheduler_(scheduler),
        dice_(dice),
        mount_(mount),
        history_(history),
        slices_(slices),
        log_(std::move(log)) {}

  // On a fiber of the mount's process: until `stop` says so.
  void work(const std::function<bool()>& stop);
  // A session that is alive, and looks as if it had run out: its locks are taken away now and then.
  std::function<uint64_t()> alive;
  bool expire = false;  // or all that it has
  // Nobody has it any more: it is cleaned up after at some time.
  void ran_out(uint64_t session) { sessions_.push_back(session); }
  uint64_t sessions() const { return cleaned_; }
  uint64_t merges() const { return merges_; }
  uint64_t deletions() const { return deletions_; }
  uint64_t locks() const { return locks_; }
  uint64_t expired() const { return expired_; }

 private:
  void merge();
  void delete_data();
  void clean_session();
  void clean_living();

  Scheduler& scheduler_;
  test::Dice& dice_;
  SimMount& mount_;
  const History& history_;
  Slices& slices_;
  const std::function<void(std::string)> log_;
  std::vector<uint64_t> sessions_;
  uint64_t merges_ = 0, deletions_ = 0, cleaned_ = 0, locks_ = 0, expired_ = 0;
};

// As any client does for a session that is gone, or seems to be.
Result<void> clean_after(const Scheduler& scheduler, SimMount& mount, uint64_t session);

}  // namespace fastmeta::sim
