// SPDX-License-Identifier: GPL-3.0-or-later
// Decoded blocks in memory. Blocks never change, so an entry is never wrong; it
// leaves when it was not used for long, or when its slice is deleted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "data/buffer_pool.h"

namespace fastmeta::host {

struct CachedBlock {
  Buffer buffer;
  uint32_t size = 0;
};
using BlockRef = std::shared_ptr<const CachedBlock>;

struct BlockKey {
  uint64_t id;
  uint32_t block;
  bool operator==(const BlockKey&) const = default;
};

class BlockCache {
 public:
  // Fills the block. 0 or -errno.
  using Loader = std::function<int(CachedBlock*)>;

  BlockCache(uint64_t bytes_max, uint32_t block_bytes);

  // Null when it is not there now.
  BlockRef find(BlockKey key);
  // Loads it unless another thread does so already: then waits for that one.
  int load(BlockKey key, const Loader& loader, BlockRef* out);
  void erase(BlockKey key);
  uint64_t bytes() const;

 private:
  struct Flight {
    std::condition_variable landed;
    bool done = false;
    int rc = 0;
    BlockRef block;
  };
  struct Entry {
    BlockKey key;
    BlockRef block;
  };
  struct Hash {
    size_t operator()(const BlockKey& key) const {
      return (key.id * 64 + key.block) * 0x9E3779B97F4A7C15u >> 7;
    }
  };
  struct Shard {
    mutable std::mutex mutex;  // a leaf; guards all below
    std::list<Entry> used;     // the latest first
    std::unordered_map<BlockKey, std::list<Entry>::iterator, Hash> index;
    std::unordered_map<BlockKey, std::shared_ptr<Flight>, Hash> flights;
    uint64_t bytes = 0;
  };

  Shard& shard_of(BlockKey key) { return *shards_[Hash{}(key) % shards_.size()]; }
  // What had to leave goes to *out, to be freed without the lock.
  void insert(Shard& shard, BlockKey key, const BlockRef& block, std::vector<BlockRef>* out);

  std::vector<std::unique_ptr<Shard>> shards_;
  uint64_t shard_bytes_max_;
};

}  // namespace fastmeta::host
