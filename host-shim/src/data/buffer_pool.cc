// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/buffer_pool.h"

#include <algorithm>
#include <cstdlib>

namespace fastmeta::host {
namespace {

constexpr size_t kSmallest = 16u << 10;
constexpr size_t kStep = 8;  // a growing block is copied at most 1/7 of its bytes
constexpr size_t kAlignment = 4096;
constexpr std::chrono::milliseconds kWaitStep{100};  // between two looks at give_up

}  // namespace

Buffer::~Buffer() {
  if (data_ != nullptr) pool_->put_back(data_, capacity_);
}

BufferPool::BufferPool(size_t block_bytes, size_t idle_bytes_max)
    : idle_bytes_max_(idle_bytes_max) {
  for (size_t size = kSmallest; size < block_bytes; size *= kStep) sizes_.push_back(size);
  sizes_.push_back(block_bytes);
  idle_.resize(sizes_.size());
}

BufferPool::~BufferPool() {
  for (auto& list : idle_) {
    for (char* data : list) std::free(data);
  }
}

Buffer BufferPool::get(size_t at_least) {
  const auto it = std::lower_bound(sizes_.begin(), sizes_.end(), at_least);
  if (it == sizes_.end()) return {};
  const auto which = static_cast<size_t>(it - sizes_.begin());
  char* data = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (!idle_[which].empty()) {
      data = idle_[which].back();
      idle_[which].pop_back();
      idle_bytes_ -= *it;
    }
  }
  if (data == nullptr) {
    const size_t rounded = (*it + kAlignment - 1) / kAlignment * kAlignment;
    data = static_cast<char*>(std::aligned_alloc(kAlignment, rounded));
    if (data == nullptr) return {};
  }
  used_.fetch_add(*it, std::memory_order_relaxed);
  return Buffer(this, data, *it);
}

void BufferPool::put_back(char* data, size_t capacity) {
  const auto it = std::lower_bound(sizes_.begin(), sizes_.end(), capacity);
  {
    std::lock_guard lock(mutex_);
    used_.fetch_sub(capacity, std::memory_order_relaxed);
    if (idle_bytes_ + capacity <= idle_bytes_max_) {
      idle_[static_cast<size_t>(it - sizes_.begin())].push_back(data);
      idle_bytes_ += capacity;
      data = nullptr;
    }
  }
  std::free(data);
  if (has_waiters()) freed_.notify_all();
}

bool BufferPool::wait_below(uint64_t limit, const std::function<bool()>& give_up,
                            const std::function<void()>& on_wait) {
  if (used_bytes() < limit) return true;
  ++waiters_;
  on_wait();
  bool below = false;
  {
    std::unique_lock lock(mutex_);
    while (!(below = used_bytes() < limit) && !give_up()) freed_.wait_for(lock, kWaitStep);
  }
  --waiters_;
  return below;
}

}  // namespace fastmeta::host
