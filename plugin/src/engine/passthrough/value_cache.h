// SPDX-License-Identifier: GPL-3.0-or-later
// Values of the server in memory, kept right by its invalidations.
//
// The fill guard: begin() is called before a read is sent, store() after its
// reply; a value is stored only when its key was not invalidated in between.
// Invalidations since then are found in a ring of key hashes; when the ring has
// turned over, nothing is stored. What we have written ourselves is stored under the same
// guard, and counts as an invalidation for the reads that are on their way.
//
// Bounded in bytes (least recently used keys go first), a key lives at most
// `ttl`. Off until enable(), and after disable(), which also drops everything:
// without tracking nothing would tell of changes.
//
// Threads: any. Locks: one per shard, and one of the ring inside it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/listing.h"
#include "engine/read_cache.h"
#include "model/read_key.h"

namespace fastmeta::engine {

class ValueCache final : public ReadCache {
 public:
  struct Stats {
    uint64_t hits = 0, misses = 0, keys = 0, bytes = 0, evicted = 0;
    uint64_t invalidations = 0, cancelled_fills = 0;
  };

  ValueCache(uint64_t bytes_max, std::chrono::milliseconds ttl);

  void enable();
  void disable();
  bool enabled() const { return enabled_.load(std::memory_order_acquire); }

  Token begin() const override;
  void store(const Token& token, const model::ReadKey& read,
             const model::RawValue& value) override;
  void store_listing(const Token& token, const std::string& dir_key,
                     std::shared_ptr<const Listing> listing) override;

  // The value, if known. A name of a complete listing is known, absent ones too.
  std::optional<model::RawValue> find(const model::ReadKey& read) override;
  std::shared_ptr<const Listing> find_listing(const std::string& dir_key);

  void invalidate(const std::string& key) override;
  void wrote(const Token& token, std::span<const model::Write* const> writes) override;
  // Drops everything and cancels all fills; stays enabled.
  void clear();

  Stats stats() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Slot {  // all that is known of one key
    std::optional<model::RawValue> whole;  // kString, kHash, kList
    std::optional<uint64_t> count;
    std::unordered_map<std::string, std::optional<std::string>> fields;
    std::shared_ptr<const Listing> listing;  // `fields` go before it
    uint64_t changes = 0;  // of ours, since the listing
    size_t bytes = 0;
    Time expires;
    std::list<std::string>::iterator lru;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Slot> slots;
    std::list<std::string> lru;  // most recent first
    size_t bytes = 0;
  };
  static constexpr size_t kShards = 16;
  static constexpr size_t kRing = 4096;

  Shard& shard_of(std::string_view key) {
    return shards_[std::hash<std::string_view>{}(key) % kShards];
  }
  bool cancelled(const Token& token, std::string_view key) const;
  // The same, with the ring's lock held.
  bool overtaken(const Token& token, uint64_t hash) const;
  Slot& slot_for(Shard& shard, const std::string& key);
  Slot* live_slot(Shard& shard, const std::string& key);
  void charge(Shard& shard, Slot& slot, size_t bytes);
  void put_whole(Shard& shard, Slot& slot, std::optional<model::RawValue> value);
  void put_field(Shard& shard, Slot& slot, const std::string& field,
                 std::optional<std::string> value);
  void put_listing(Shard& shard, const std::string& dir_key,
                   std::shared_ptr<const Listing> listing, Time expires);
  // False when it cannot be told what became of the key.
  bool apply(Shard& shard, const model::Write& write);
  void drop(Shard& shard, std::unordered_map<std::string, Slot>::iterator it);
  void trim(Shard& shard);

  const uint64_t shard_bytes_max_;
  const std::chrono::milliseconds ttl_;
  std::atomic<bool> enabled_{false};
  std::array<Shard, kShards> shards_;

  mutable std::mutex ring_mutex_;
  std::array<uint64_t, kRing> ring_{};  // hashes of invalidated keys
  uint64_t ring_seq_ = 0;               // of the next one
  uint64_t epoch_ = 0;                  // raised by clear and disable: cancels all fills

  mutable std::atomic<uint64_t> hits_{0}, misses_{0}, evicted_{0}, cancelled_{0};
};

}  // namespace fastmeta::engine
