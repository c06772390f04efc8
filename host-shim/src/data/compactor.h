// SPDX-License-Identifier: GPL-3.0-or-later
// Merges the slices of chunks that have many, in one background thread.
#pragma once

#include <mdp/plugin.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "data/slice_store.h"
#include "data/worker_pool.h"

namespace fastmeta::host {

class Compactor {
 public:
  Compactor(const DataOptions& options, const mdp_ops* ops, mdp_volume* volume,
            SliceStore* slices, LogFn log);

  void start();
  void stop();

  // A record was added to the chunk's list. Merges before returning when the
  // list has become so long that writers must not run ahead any more.
  void committed(uint64_t ino, uint32_t chunk);
  // A reader saw this list.
  void looked(uint64_t ino, uint32_t chunk, uint32_t records, size_t pieces);

  // 0, -ENODATA when there is nothing worth it, or another -errno.
  int compact(uint64_t ino, uint32_t chunk);
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  // What is known of a chunk; another chunk may take its place, then it is
  // forgotten and counting begins anew.
  struct Slot {
    uint64_t ino = 0;
    uint32_t chunk = 0;
    uint32_t records = 0;  // at least so many
    bool queued = false;
    Clock::time_point not_before{};
  };

  Slot& slot_of(uint64_t ino, uint32_t chunk);
  void enqueue(uint64_t ino, uint32_t chunk);
  void run(uint64_t ino, uint32_t chunk);
  int plan(uint64_t ino, uint32_t chunk, mdp_compaction* plan, std::vector<mdp_slice>* pieces);
  int store(const mdp_compaction& plan, const std::vector<mdp_slice>& pieces, uint64_t id,
            std::string* missing);

  const bool enabled_;
  const bool sync_;
  const mdp_ops* const ops_;
  mdp_volume* const volume_;
  SliceStore* const slices_;
  const LogFn log_;
  std::atomic<uint64_t> count_{0};
  std::atomic<bool> stopping_{false};
  WorkerPool worker_;
  std::mutex mutex_;  // a leaf
  std::array<Slot, 4096> slots_;  // guarded by mutex_
};

}  // namespace fastmeta::host
