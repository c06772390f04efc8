// SPDX-License-Identifier: GPL-3.0-or-later
// Locks that their users have let go of, and that the server still has, while their users go
// on: a release waits until the server is there and, in fast-meta, has everything that was
// acknowledged before (I8). Others only wait longer.
//
// Threads: any; releases are carried out on a thread of its own between start and stop, or by
// whoever calls step() (a simulation, without that thread).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/executor.h"
#include "engine/fastmeta/backlog.h"
#include "util/log.h"

namespace fastmeta::engine {

class LockReleases {
 public:
  // backlog: what a release waits for; none: nothing is ever pending.
  LockReleases(Backlog* backlog, Executor& server, Log log)
      : backlog_(backlog), server_(server), log_(std::move(log)) {}
  ~LockReleases() { stop(); }

  void start();
  // Carries out the first one that waits, if what it waits for is there. Whether that was done.
  bool step();
  // What waits is left to the cleaning of the session.
  void stop();

  // rule: the release, as the server's executor runs it.
  void add(model::Ino ino, WriteRule rule);
  // Until no release of this inode waits; false: not in time, or interrupted.
  bool wait_for(model::Ino ino, Deadline deadline, const std::function<bool()>& interrupted);
  bool waits(model::Ino ino) const;
  size_t waiting() const;
  // Whether a release that has failed so is worth being tried again.
  static bool may_work_later(const Error& error) {
    return error.fault != Fault::kAnswer && error.fault != Fault::kCorrupt;
  }

 private:
  struct Release {
    model::Ino ino = 0;
    uint64_t after = 0;  // the number of the last record before it
    WriteRule rule;
  };
  void run();
  bool any_of(model::Ino ino) const;

  Backlog* const backlog_;
  Executor& server_;
  const Log log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Release> queue_;  // the first one is under way
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fastmeta::engine
