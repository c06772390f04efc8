// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/validity.h"

#include <algorithm>
#include <functional>

namespace fastmeta::engine {

Token Validity::now() const {
  const uint64_t epoch = epoch_.load(std::memory_order_acquire);
  const uint64_t seq = seq_.load();
  const uint64_t window = window_.load();
  return {epoch, window != 0 && window <= seq ? window - 1 : seq};
}

Token Validity::next() {
  const uint64_t epoch = epoch_.load(std::memory_order_acquire);
  return {epoch, seq_.fetch_add(1) + 1};
}

Token Validity::sending() {
  // The window is there before the number is: now() must not see the one without the other.
  window_.store(seq_.load() + 1);
  return next();
}

void Validity::invalidated(std::string_view key) {
  const uint64_t hash = std::hash<std::string_view>{}(key);
  Shard& shard = shards_[hash % kShards];
  bool added;
  {
    std::lock_guard lock(shard.mutex);
    const Token change = next();
    const uint64_t seq = change.seq;
    added = shard.changed.insert_or_assign(hash, change).second;
    // Before the lock is let go: valid() must not skip this shard any more.
    uint64_t last = last_change_.load(std::memory_order_relaxed);
    while (last < seq && !last_change_.compare_exchange_weak(last, seq)) {
    }
  }
  if (added && keys_.fetch_add(1, std::memory_order_relaxed) + 1 > kKeysMax) raise_epoch();
}

void Validity::raise_epoch() {
  const uint64_t epoch = epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    // Changes that came since stay.
    const size_t gone = std::erase_if(
        shard.changed, [&](const auto& change) { return change.second.epoch < epoch; });
    keys_.fetch_sub(gone, std::memory_order_relaxed);
  }
}

void Validity::forget(const Token& token) {
  std::lock_guard lock(forgotten_mutex_);
  forgotten_ = std::max(forgotten_, token);
}

Token Validity::forgotten() const {
  std::lock_guard lock(forgotten_mutex_);
  return forgotten_;
}

bool Validity::valid(const Token& token, std::string_view key) const {
  if (token.epoch != epoch()) return false;
  if (last_change_.load(std::memory_order_acquire) <= token.seq) return true;
  const uint64_t hash = std::hash<std::string_view>{}(key);
  const Shard& shard = shards_[hash % kShards];
  uint64_t changed = 0;
  {
    std::lock_guard lock(shard.mutex);
    auto it = shard.changed.find(hash);
    if (it != shard.changed.end()) changed = it->second.seq;
  }
  // The epoch again: raise_epoch() forgets changes after it has raised it.
  return changed <= token.seq && token.epoch == epoch();
}

}  // namespace fastmeta::engine
