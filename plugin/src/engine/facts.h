// SPDX-License-Identifier: GPL-3.0-or-later
// What rules need to know of the volume: its settings and counters as last
// read, plus our own changes since.
//
// Threads: any; copies are handed out.
#pragma once

#include <mutex>

#include "model/mutations.h"
#include "model/schema/setting.h"
#include "model/view.h"

namespace fastmeta::engine {

class Facts {
 public:
  model::VolumeFacts now() const {
    std::lock_guard lock(mutex_);
    return facts_;
  }
  void settings(const model::Setting& setting) {
    std::lock_guard lock(mutex_);
    facts_.trash = setting.trash_days > 0;
    facts_.capacity = setting.capacity;
    facts_.inode_limit = setting.inode_limit;
    facts_.dir_stats = setting.dir_stats;
  }
  void counters(int64_t used_space, int64_t used_inodes) {
    std::lock_guard lock(mutex_);
    facts_.used_space = used_space;
    facts_.used_inodes = used_inodes;
  }
  void committed(const model::Mutations& done) {
    if (done.used_space == 0 && done.used_inodes == 0) return;
    std::lock_guard lock(mutex_);
    facts_.used_space += done.used_space;
    facts_.used_inodes += done.used_inodes;
  }
  void session(uint64_t id) {
    std::lock_guard lock(mutex_);
    facts_.session = id;
  }
  void dir_mtime_step(int64_t ns) {
    std::lock_guard lock(mutex_);
    facts_.dir_mtime_step_ns = ns;
  }

 private:
  mutable std::mutex mutex_;
  model::VolumeFacts facts_;
};

}  // namespace fastmeta::engine
