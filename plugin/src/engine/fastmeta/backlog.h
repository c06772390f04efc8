// SPDX-License-Identifier: GPL-3.0-or-later
// What is acknowledged and not yet sent, by number: how much it is, who waits for it,
// and the hints that wake the worker. The oplog table is the truth; this is counts.
//
// Threads: any; one lock, never held across a wait for anything but its own signals.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "config/plugin_config.h"
#include "util/clock.h"
#include "util/rate.h"
#include "util/result.h"

namespace fastmeta::engine {

class Backlog {
 public:
  explicit Backlog(config::BacklogConfig limits) : limits_(limits) {}

  // -- writers
  // Near a limit waits a little, at it until there is room; ENOSPC after stall_max.
  // Called before any stripe is taken. may: whether the change is still allowed, asked now
  // and then; its error ends the wait.
  Result<void> admit(const std::function<Result<void>()>& may);
  // After the commit of record `seq`. Wakes the worker; a full queue of hints loses
  // nothing, the worker reads the table.
  void added(uint64_t seq, uint64_t bytes, Timestamp time, int64_t space, int64_t inodes);

  // -- the worker
  // Records that a start found in the table.
  void recovered(uint64_t seq, uint64_t bytes, Timestamp time, int64_t space, int64_t inodes);
  // The record is applied, cancelled or journalled.
  void removed(uint64_t seq);
  // Until something was added since the last call, kicked, or the time is over.
  void wait(std::chrono::milliseconds most);
  void kick();
  // A while, unless somebody kicks or waits for what is pending.
  void linger(std::chrono::milliseconds most);

  // -- whoever waits
  // The highest number given so far.
  uint64_t last() const;
  // The oldest that is still there; nothing: empty.
  std::optional<uint64_t> oldest() const;
  // Until no record <= seq is left. false: not in time, or `gave_up` says so (asked now
  // and then; may be empty).
  bool wait_settled(uint64_t seq, Deadline deadline, const std::function<bool()>& gave_up = {});
  bool any_recovered() const;  // recovered ones that are still there and not excused
  bool any_of_before() const;  // excused or not
  // The recovered record waits only for its data: it does not hold up `writable`.
  void excuse(uint64_t seq);

  struct Seen {
    uint64_t records = 0, bytes = 0;
    std::optional<Timestamp> oldest;
    int64_t used_space = 0, used_inodes = 0;  // sums of what is pending
    uint64_t sent = 0;                        // removed so far
    double sent_per_s = 0;                    // over the last seconds
  };
  Seen seen() const;

 private:
  struct Item {
    uint64_t bytes = 0;
    Timestamp time;
    int64_t space = 0, inodes = 0;
    bool recovered = false, excused = false;
  };
  void add(uint64_t seq, Item item);
  bool full() const;

  static constexpr size_t kHintsMax = 1024;

  const config::BacklogConfig limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, room_, settled_;
  std::map<uint64_t, Item> items_;
  std::deque<uint64_t> hints_;  // numbers added since the worker looked, at most kHintsMax
  bool kicked_ = false;
  int waiters_ = 0;  // in wait_settled()
  Rate sent_rate_;
  uint64_t last_ = 0, bytes_ = 0, recovered_ = 0, excused_ = 0, sent_ = 0;
  int64_t space_ = 0, inodes_ = 0;
};

}  // namespace fastmeta::engine
