// SPDX-License-Identifier: GPL-3.0-or-later
// Slices as block objects: names, packing and the block cache put together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/block_cache.h"
#include "data/codec.h"
#include "data/data_engine.h"
#include "data/object_store.h"
#include "data/unsynced_blocks.h"

namespace fastmeta::host {

struct StoreCounters {
  std::atomic<uint64_t> uploads{0}, upload_bytes{0}, downloads{0}, download_bytes{0};
  std::atomic<uint64_t> hits{0}, misses{0};
};

class SliceStore {
 public:
  SliceStore(const VolumeFormat& format, Compression how, uint64_t cache_bytes,
             std::unique_ptr<ObjectStore> objects, LogFn log);

  uint32_t block_bytes() const { return block_bytes_; }

  // One block of a slice that is being written. 0 or -errno.
  int put_block(uint64_t id, uint32_t block, const char* data, uint32_t bytes);

  // So that they, or all that was put, survive a power loss. 0 or -errno.
  int sync(const std::vector<StoredBlock>& blocks);
  int sync_all() { return objects_->sync_all(); }

  // Bytes [off, off + n) of slice (id, size). -ENOENT: an object is missing, its
  // name in *missing. -EIO: one is short or does not decode; that was logged.
  int read(uint64_t id, uint32_t size, uint32_t off, uint32_t n, char* out,
           std::string* missing);
  // Logs that a record refers to bytes that the slice does not have. -EIO.
  int refers_beyond(uint64_t id, uint32_t size) const;
  // Makes a later read of this block fast.
  void prefetch(uint64_t id, uint32_t size, uint32_t block);

  // Removes all objects. The first error, after trying all of them.
  int remove(uint64_t id, uint32_t size);
  // 0 when all objects are there, -ENOENT when one is not. They are kept from garbage
  // collections for an hour.
  int keep(uint64_t id, uint32_t size);
  void tend() { objects_->tend(); }
  // Is this the storage of the volume at all? A directory whose file system is not mounted
  // lacks everything.
  bool there();

  uint64_t cache_bytes() const { return cache_.bytes(); }
  const StoreCounters& counters() const { return counters_; }

  // Buffers outside of the write budget: cached blocks, compaction.
  BufferPool& buffers() { return buffers_; }

 private:
  int read_part(uint64_t id, uint32_t size, uint32_t block, uint32_t at, uint32_t n, char* out,
                std::string* missing);
  int load(const std::string& name, uint32_t bytes, CachedBlock* block);
  int fault(int rc, const std::string& name);
  std::string name_of(uint64_t id, uint32_t size, uint32_t block) const;

  const uint32_t block_bytes_;
  const bool hash_prefix_;
  const Compression how_;
  std::unique_ptr<ObjectStore> objects_;
  LogFn log_;
  StoreCounters counters_;
  BufferPool buffers_;  // before cache_: its blocks go back there
  BlockCache cache_;
};

}  // namespace fastmeta::host
