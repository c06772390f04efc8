// SPDX-License-Identifier: GPL-3.0-or-later
// What was stored for a file and may still go with the power of this machine: an fsync of the
// file sees to that, whoever has stored it. Bounded: when there is too much all of it is
// forgotten, and the next fsync syncs the whole storage instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace fastmeta::host {

struct StoredBlock {
  uint64_t id;  // of the slice
  uint32_t block, bytes;
};

class UnsyncedBlocks {
 public:
  static constexpr size_t kBlocksMax = 65'536;
  // More of one file at once cost more flushes of a disk than syncing everything does.
  static constexpr size_t kSinglyMax = 256;

  // What an fsync has to do: all, or those blocks.
  struct Work {
    bool all = false;
    std::vector<StoredBlock> blocks;
    uint64_t seq = 0, forgotten = 0;  // of the table when this was taken
  };

  void add(uint64_t ino, const StoredBlock& block) {
    std::lock_guard lock(mutex_);
    put(ino, block);
  }
  // The file has got data of another one.
  void copy(uint64_t from, uint64_t to) {
    std::lock_guard lock(mutex_);
    const auto found = files_.find(from);
    if (from == to || found == files_.end()) return;
    for (const Entry& entry : std::vector<Entry>(found->second)) put(to, entry.block);
  }
  // It stays in the table until it is done: an fsync that comes meanwhile waits for it too.
  Work of(uint64_t ino) const {
    std::lock_guard lock(mutex_);
    Work work{forgotten_ != made_up_, {}, seq_, forgotten_};
    const auto found = files_.find(ino);
    if (found == files_.end()) return work;
    work.all = work.all || found->second.size() > kSinglyMax;
    if (work.all) return work;
    work.blocks.reserve(found->second.size());
    for (const Entry& entry : found->second) work.blocks.push_back(entry.block);
    return work;
  }
  void done(uint64_t ino, const Work& work) {
    std::lock_guard lock(mutex_);
    if (work.all && work.forgotten > made_up_) made_up_ = work.forgotten;
    const auto found = files_.find(ino);
    if (found == files_.end()) return;
    count_ -= std::erase_if(found->second, [&](const Entry& e) { return e.seq <= work.seq; });
    if (found->second.empty()) files_.erase(found);
  }

 private:
  struct Entry {
    uint64_t seq;
    StoredBlock block;
  };
  void put(uint64_t ino, const StoredBlock& block) {
    if (count_ >= kBlocksMax) {
      files_.clear();
      count_ = 0;
      ++forgotten_;
    }
    files_[ino].push_back({++seq_, block});
    ++count_;
  }

  mutable std::mutex mutex_;  // a leaf; guards all below
  std::unordered_map<uint64_t, std::vector<Entry>> files_;
  size_t count_ = 0;
  uint64_t seq_ = 0;
  uint64_t forgotten_ = 0;  // so often
  uint64_t made_up_ = 0;    // up to there, by syncing everything
};

}  // namespace fastmeta::host
