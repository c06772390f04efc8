// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/slice_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "data/object_name.h"

namespace fastmeta::host {
namespace {

constexpr size_t kIdleBytesMax = 32u << 20;

// Packed bytes on their way; keeps its memory from block to block.
std::vector<char>& scratch() {
  thread_local std::vector<char> bytes;
  return bytes;
}

}  // namespace

SliceStore::SliceStore(const VolumeFormat& format, Compression how, uint64_t cache_bytes,
                       std::unique_ptr<ObjectStore> objects, LogFn log)
    : block_bytes_(format.block_bytes),
      hash_prefix_(format.hash_prefix),
      how_(how),
      objects_(std::move(objects)),
      log_(std::move(log)),
      buffers_(format.block_bytes, kIdleBytesMax),
      cache_(cache_bytes, format.block_bytes) {}

std::string SliceStore::name_of(uint64_t id, uint32_t size, uint32_t block) const {
  return object_name(hash_prefix_, id, block, bytes_of_block(size, block_bytes_, block));
}

int SliceStore::put_block(uint64_t id, uint32_t block, const char* data, uint32_t bytes) {
  const std::string name = object_name(hash_prefix_, id, block, bytes);
  size_t size = bytes;
  if (how_ != Compression::kNone) {
    std::vector<char>& packed = scratch();
    if (const int rc = encode(how_, data, bytes, &packed); rc != 0) return rc;
    data = packed.data();
    size = packed.size();
  }
  if (const int rc = objects_->put(name, data, size); rc != 0) return rc;
  counters_.uploads.fetch_add(1, std::memory_order_relaxed);
  counters_.upload_bytes.fetch_add(size, std::memory_order_relaxed);
  return 0;
}

int SliceStore::sync(const std::vector<StoredBlock>& blocks) {
  std::vector<std::string> names;
  names.reserve(blocks.size());
  for (const StoredBlock& one : blocks) {
    names.push_back(object_name(hash_prefix_, one.id, one.block, one.bytes));
  }
  return objects_->sync(names);
}

int SliceStore::read(uint64_t id, uint32_t size, uint32_t off, uint32_t n, char* out,
                     std::string* missing) {
  while (n > 0) {
    const uint32_t block = off / block_bytes_;
    const uint32_t at = off % block_bytes_;
    const uint32_t part = std::min(n, block_bytes_ - at);
    if (const int rc = read_part(id, size, block, at, part, out, missing); rc != 0) return rc;
    off += part;
    out += part;
    n -= part;
  }
  return 0;
}

int SliceStore::read_part(uint64_t id, uint32_t size, uint32_t block, uint32_t at, uint32_t n,
                          char* out, std::string* missing) {
  const uint32_t bytes = bytes_of_block(size, block_bytes_, block);
  if (at + n > bytes) return refers_beyond(id, size);
  const bool whole = how_ != Compression::kNone || !objects_->cheap_ranges();
  if (!whole) {
    const std::string name = object_name(hash_prefix_, id, block, bytes);
    const int rc = objects_->get_range(name, bytes, at, n, out);
    if (rc != 0) {
      if (rc == -ENOENT) *missing = name;
      return fault(rc, name);
    }
    counters_.downloads.fetch_add(1, std::memory_order_relaxed);
    counters_.download_bytes.fetch_add(n, std::memory_order_relaxed);
    return 0;
  }
  BlockRef found = cache_.find({id, block});
  if (found) {
    counters_.hits.fetch_add(1, std::memory_order_relaxed);
  } else {
    counters_.misses.fetch_add(1, std::memory_order_relaxed);
    const std::string name = object_name(hash_prefix_, id, block, bytes);
    const auto loader = [&](CachedBlock* into) { return load(name, bytes, into); };
    if (const int rc = cache_.load({id, block}, loader, &found); rc != 0) {
      if (rc == -ENOENT) *missing = name;
      return rc;
    }
  }
  std::memcpy(out, found->buffer.data() + at, n);
  return 0;
}

int SliceStore::refers_beyond(uint64_t id, uint32_t size) const {
  log_(MDP_LOG_ERROR, "slice " + std::to_string(id) + " of " + std::to_string(size) +
                          " bytes is referred to beyond its end");
  return -EIO;
}

int SliceStore::load(const std::string& name, uint32_t bytes, CachedBlock* block) {
  block->buffer = buffers_.get(bytes);
  if (!block->buffer) return -ENOMEM;
  block->size = bytes;
  size_t fetched = bytes;
  int rc = 0;
  if (how_ == Compression::kNone) {
    rc = objects_->get_range(name, bytes, 0, bytes, block->buffer.data());
  } else {
    std::vector<char>& packed = scratch();
    rc = objects_->get(name, encoded_most(how_, bytes), &packed);
    fetched = packed.size();
    if (rc == 0) rc = decode(how_, packed.data(), packed.size(), block->buffer.data(), bytes);
  }
  if (rc != 0) return fault(rc, name);
  counters_.downloads.fetch_add(1, std::memory_order_relaxed);
  counters_.download_bytes.fetch_add(fetched, std::memory_order_relaxed);
  return 0;
}

// A missing object is not an error yet: see the reader.
int SliceStore::fault(int rc, const std::string& name) {
  if (rc == -ENOENT) return rc;
  if (rc == -EBADMSG) {
    log_(MDP_LOG_ERROR, "object " + name + " is damaged: its length or contents do not fit "
                        "its name");
  } else {
    log_(MDP_LOG_ERROR, "object " + name + " cannot be read: " + std::strerror(-rc));
  }
  return -EIO;
}

void SliceStore::prefetch(uint64_t id, uint32_t size, uint32_t block) {
  const std::string name = name_of(id, size, block);
  if (how_ == Compression::kNone && objects_->cheap_ranges()) {
    objects_->will_need(name);
    return;
  }
  if (cache_.find({id, block})) return;
  const uint32_t bytes = bytes_of_block(size, block_bytes_, block);
  BlockRef unused;
  cache_.load({id, block}, [&](CachedBlock* into) { return load(name, bytes, into); }, &unused);
}

int SliceStore::remove(uint64_t id, uint32_t size) {
  int first = 0;
  for (uint32_t block = 0; block < block_count(size, block_bytes_); ++block) {
    const int rc = objects_->remove(name_of(id, size, block));
    if (first == 0) first = rc;
    cache_.erase({id, block});
  }
  return first;
}

int SliceStore::keep(uint64_t id, uint32_t size) {
  for (uint32_t block = 0; block < block_count(size, block_bytes_); ++block) {
    uint64_t bytes = 0;
    const int rc = objects_->keep(name_of(id, size, block), &bytes);
    if (rc != 0) return rc;
    if (how_ == Compression::kNone && bytes != bytes_of_block(size, block_bytes_, block)) {
      return -ENOENT;
    }
  }
  return 0;
}

bool SliceStore::there() {
  uint64_t bytes = 0;
  return objects_->size_of(kOwnerObject, &bytes) == 0;
}

}  // namespace fastmeta::host
