// SPDX-License-Identifier: GPL-3.0-or-later
// Memory for blocks: a few sizes up to the block size, given back for the next
// one, since touching fresh memory costs as much as copying into it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace fastmeta::host {

class BufferPool;

// Move-only; empty when default-constructed or when there was no memory.
class Buffer {
 public:
  Buffer() = default;
  Buffer(BufferPool* pool, char* data, size_t capacity)
      : pool_(pool), data_(data), capacity_(capacity) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer();

  char* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  size_t capacity_ = 0;
};

class BufferPool {
 public:
  // idle_bytes_max: kept for reuse beyond what is in use.
  BufferPool(size_t block_bytes, size_t idle_bytes_max);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // At least so many bytes, at most the block size. Never waits.
  Buffer get(size_t at_least);

  uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  bool has_waiters() const { return waiters_.load(std::memory_order_relaxed) != 0; }

  // Waits until less than `limit` is used; false when `give_up` said so. on_wait
  // is called once before waiting.
  bool wait_below(uint64_t limit, const std::function<bool()>& give_up,
                  const std::function<void()>& on_wait);

 private:
  friend class Buffer;
  void put_back(char* data, size_t capacity);

  std::vector<size_t> sizes_;  // ascending; the last is the block size
  const size_t idle_bytes_max_;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint32_t> waiters_{0};
  std::mutex mutex_;  // a leaf: nothing is locked while it is held
  std::condition_variable freed_;
  std::vector<std::vector<char*>> idle_;  // by size; guarded by mutex_
  size_t idle_bytes_ = 0;                 // guarded by mutex_
};

}  // namespace fastmeta::host
