// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/block_cache.h"

#include <algorithm>

namespace fastmeta::host {
namespace {

constexpr uint64_t kShardsMax = 16;
constexpr uint64_t kBlocksOfShardMin = 16;  // fewer: "least used" means little

}  // namespace

BlockCache::BlockCache(uint64_t bytes_max, uint32_t block_bytes) {
  const uint64_t fit = bytes_max / (uint64_t{block_bytes} * kBlocksOfShardMin);
  const uint64_t count = std::clamp<uint64_t>(fit, 1, kShardsMax);
  for (uint64_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>());
  shard_bytes_max_ = bytes_max / count;
}

BlockRef BlockCache::find(BlockKey key) {
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(key);
  if (it == shard.index.end()) return nullptr;
  shard.used.splice(shard.used.begin(), shard.used, it->second);
  return it->second->block;
}

int BlockCache::load(BlockKey key, const Loader& loader, BlockRef* out) {
  Shard& shard = shard_of(key);
  std::shared_ptr<Flight> flight;
  {
    std::unique_lock lock(shard.mutex);
    if (const auto it = shard.index.find(key); it != shard.index.end()) {
      *out = it->second->block;
      return 0;
    }
    if (const auto it = shard.flights.find(key); it != shard.flights.end()) {
      flight = it->second;
      flight->landed.wait(lock, [&] { return flight->done; });
      *out = flight->block;
      return flight->rc;
    }
    flight = std::make_shared<Flight>();
    shard.flights.emplace(key, flight);
  }

  auto block = std::make_shared<CachedBlock>();
  const int rc = loader(block.get());
  std::vector<BlockRef> leaving;
  {
    std::lock_guard lock(shard.mutex);
    flight->done = true;
    flight->rc = rc;
    if (rc == 0) {
      flight->block = block;
      insert(shard, key, flight->block, &leaving);
    }
    shard.flights.erase(key);
  }
  flight->landed.notify_all();
  if (rc == 0) *out = std::move(block);
  return rc;
}

void BlockCache::insert(Shard& shard, BlockKey key, const BlockRef& block,
                        std::vector<BlockRef>* out) {
  const size_t size = block->buffer.capacity();
  if (size > shard_bytes_max_) return;
  shard.used.push_front({key, block});
  shard.index.emplace(key, shard.used.begin());
  shard.bytes += size;
  while (shard.bytes > shard_bytes_max_) {
    Entry& last = shard.used.back();
    shard.bytes -= last.block->buffer.capacity();
    shard.index.erase(last.key);
    out->push_back(std::move(last.block));
    shard.used.pop_back();
  }
}

void BlockCache::erase(BlockKey key) {
  Shard& shard = shard_of(key);
  BlockRef leaving;
  std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(key);
  if (it == shard.index.end()) return;
  leaving = std::move(it->second->block);
  shard.bytes -= leaving->buffer.capacity();
  shard.used.erase(it->second);
  shard.index.erase(it);
}

uint64_t BlockCache::bytes() const {
  uint64_t sum = 0;
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    sum += shard->bytes;
  }
  return sum;
}

}  // namespace fastmeta::host
