// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/value_cache.h"

#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;

namespace {

constexpr size_t kSlotOverhead = 200;  // map nodes, LRU node, key twice
constexpr size_t kFieldOverhead = 80;

size_t weight(const std::string& field, const std::optional<std::string>& value) {
  return kFieldOverhead + field.size() + (value ? value->size() : 0);
}

size_t weight(const RawValue& value) {
  size_t bytes = sizeof(RawValue) + value.bytes.size();
  for (const auto& item : value.items) bytes += sizeof(std::string) + item.size();
  for (const auto& [name, v] : value.fields)
    bytes += 2 * sizeof(std::string) + name.size() + v.size();
  return bytes;
}

// What a complete listing says of a name; nothing for an entry whose bytes break
// the schema, so that asking the server tells of it.
std::optional<RawValue> from_listing(const Listing& listing, std::string_view name) {
  RawValue value;
  model::Dentry dentry;
  if (listing.find(name, &dentry)) {
    if (dentry.ino == 0) return std::nullopt;
    value.exists = true;
    value.bytes = model::encode_dentry(dentry);
  }
  return value;
}

// Nothing when an entry's bytes break the schema.
std::shared_ptr<const Listing> with_changes(
    const Listing& before,
    const std::unordered_map<std::string, std::optional<std::string>>& changed) {
  auto listing = std::make_shared<Listing>();
  for (size_t at = 0; at < before.size(); ++at) {
    const Listing::Item item = before.at(at);
    if (!changed.contains(std::string(item.name))) listing->add(item.name, item.dentry);
  }
  for (const auto& [name, value] : changed) {
    if (!value) continue;
    auto dentry = model::decode_dentry(*value);
    if (!dentry || name.size() > model::kNameMax) return nullptr;
    listing->add(name, *dentry);
  }
  return listing;
}

uint64_t hash_of(std::string_view key) { return std::hash<std::string_view>{}(key); }

}  // namespace

ValueCache::ValueCache(uint64_t bytes_max, std::chrono::milliseconds ttl)
    : shard_bytes_max_(bytes_max / kShards), ttl_(ttl) {}

void ValueCache::enable() {
  if (shard_bytes_max_ > 0) enabled_.store(true, std::memory_order_release);
}

void ValueCache::disable() {
  enabled_.store(false, std::memory_order_release);
  clear();
}

ValueCache::Token ValueCache::begin() const {
  std::lock_guard lock(ring_mutex_);
  return {ring_seq_, epoch_};
}

bool ValueCache::cancelled(const Token& token, std::string_view key) const {
  std::lock_guard lock(ring_mutex_);
  return overtaken(token, hash_of(key));
}

bool ValueCache::overtaken(const Token& token, uint64_t hash) const {
  if (token.epoch != epoch_ || ring_seq_ - token.seq > kRing) return true;
  for (uint64_t seq = token.seq; seq < ring_seq_; ++seq)
    if (ring_[seq % kRing] == hash) return true;
  return false;
}

ValueCache::Slot& ValueCache::slot_for(Shard& shard, const std::string& key) {
  if (Slot* slot = live_slot(shard, key)) return *slot;
  auto [it, added] = shard.slots.try_emplace(key);
  shard.lru.push_front(key);
  it->second.lru = shard.lru.begin();
  it->second.expires = std::chrono::steady_clock::now() + ttl_;
  charge(shard, it->second, kSlotOverhead + 2 * key.size());
  return it->second;
}

ValueCache::Slot* ValueCache::live_slot(Shard& shard, const std::string& key) {
  auto it = shard.slots.find(key);
  if (it == shard.slots.end()) return nullptr;
  if (it->second.expires <= std::chrono::steady_clock::now()) {
    drop(shard, it);
    return nullptr;
  }
  shard.lru.splice(shard.lru.begin(), shard.lru, it->second.lru);
  return &it->second;
}

void ValueCache::charge(Shard& shard, Slot& slot, size_t bytes) {
  slot.bytes += bytes;
  shard.bytes += bytes;
}

void ValueCache::put_whole(Shard& shard, Slot& slot, std::optional<RawValue> value) {
  if (slot.whole) shard.bytes -= weight(*slot.whole), slot.bytes -= weight(*slot.whole);
  slot.whole = std::move(value);
  if (slot.whole) charge(shard, slot, weight(*slot.whole));
}

void ValueCache::put_field(Shard& shard, Slot& slot, const std::string& field,
                           std::optional<std::string> value) {
  auto [it, added] = slot.fields.try_emplace(field);
  if (!added) {
    const size_t bytes = weight(field, it->second);
    shard.bytes -= bytes, slot.bytes -= bytes;
  }
  it->second = std::move(value);
  charge(shard, slot, weight(field, it->second));
}

void ValueCache::put_listing(Shard& shard, const std::string& dir_key,
                             std::shared_ptr<const Listing> listing, Time expires) {
  // It answers all that was known of the directory.
  if (auto it = shard.slots.find(dir_key); it != shard.slots.end()) drop(shard, it);
  Slot& slot = slot_for(shard, dir_key);
  slot.expires = expires;
  slot.count = listing->size();
  charge(shard, slot, listing->bytes());
  slot.listing = std::move(listing);
  trim(shard);
}

void ValueCache::drop(Shard& shard, std::unordered_map<std::string, Slot>::iterator it) {
  shard.bytes -= it->second.bytes;
  shard.lru.erase(it->second.lru);
  shard.slots.erase(it);
}

void ValueCache::trim(Shard& shard) {
  while (shard.bytes > shard_bytes_max_ && !shard.lru.empty()) {
    drop(shard, shard.slots.find(shard.lru.back()));
    evicted_.fetch_add(1, std::memory_order_relaxed);
  }
}

void ValueCache::store(const Token& token, const ReadKey& read, const RawValue& value) {
  if (!enabled()) return;
  Shard& shard = shard_of(read.key);
  std::lock_guard lock(shard.mutex);
  // Under the shard's lock: an invalidation that comes after this check still
  // has to take the lock to drop what is stored here.
  if (!enabled() || cancelled(token, read.key)) {
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Slot& slot = slot_for(shard, read.key);
  switch (read.kind) {
    case ReadKind::kField:
      put_field(shard, slot, read.field,
                value.exists ? std::optional(value.bytes) : std::nullopt);
      break;
    case ReadKind::kHashCount:
      slot.count = value.count;
      break;
    default:
      put_whole(shard, slot, value);
  }
  trim(shard);
}

void ValueCache::store_listing(const Token& token, const std::string& dir_key,
                               std::shared_ptr<const Listing> listing) {
  if (!enabled() || listing->bytes() > shard_bytes_max_ / 2) return;
  Shard& shard = shard_of(dir_key);
  std::lock_guard lock(shard.mutex);
  if (!enabled() || cancelled(token, dir_key)) {
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  put_listing(shard, dir_key, std::move(listing), std::chrono::steady_clock::now() + ttl_);
}

void ValueCache::wrote(const Token& token, std::span<const model::Write* const> writes) {
  const std::string& key = writes.front()->key;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  bool known = enabled();
  {
    // Reads on their way may have been answered before the writes; a change behind ours may
    // have been told of already, then it is not known what is there.
    std::lock_guard ring(ring_mutex_);
    known = known && !overtaken(token, hash_of(key));
    ring_[ring_seq_++ % kRing] = hash_of(key);
  }
  for (const model::Write* write : writes) known = known && apply(shard, *write);
  if (known) return trim(shard);
  if (auto it = shard.slots.find(key); it != shard.slots.end()) drop(shard, it);
}

bool ValueCache::apply(Shard& shard, const model::Write& write) {
  if (write.op == model::WriteOp::kSet) {
    put_whole(shard, slot_for(shard, write.key), RawValue{true, write.value, 0, {}, {}});
    return true;
  }
  const bool adds = write.op == model::WriteOp::kHSet;
  if (!adds && write.op != model::WriteOp::kHDel) return false;
  Slot& slot = slot_for(shard, write.key);
  put_whole(shard, slot, std::nullopt);
  if (slot.count) {
    std::optional<bool> was_there;
    model::Dentry unused;
    if (auto it = slot.fields.find(write.field); it != slot.fields.end())
      was_there = it->second.has_value();
    else if (slot.listing)
      was_there = slot.listing->find(write.field, &unused);
    if (was_there)
      *slot.count += static_cast<uint64_t>(adds) - static_cast<uint64_t>(*was_there);
    else
      slot.count.reset();
  }
  put_field(shard, slot, write.field, adds ? std::optional(write.value) : std::nullopt);
  ++slot.changes;
  return true;
}

std::optional<RawValue> ValueCache::find(const ReadKey& read) {
  if (!enabled()) return std::nullopt;
  Shard& shard = shard_of(read.key);
  std::lock_guard lock(shard.mutex);
  std::optional<RawValue> found;
  if (Slot* slot = live_slot(shard, read.key)) {
    switch (read.kind) {
      case ReadKind::kField:
        if (auto it = slot->fields.find(read.field); it != slot->fields.end()) {
          found.emplace();
          if (it->second) found->exists = true, found->bytes = *it->second;
        } else if (slot->listing) {
          found = from_listing(*slot->listing, read.field);
        }
        break;
      case ReadKind::kHashCount:
        if (slot->count) found.emplace().count = *slot->count;
        break;
      default:
        found = slot->whole;
    }
  }
  (found ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed);
  return found;
}

std::shared_ptr<const Listing> ValueCache::find_listing(const std::string& dir_key) {
  if (!enabled()) return nullptr;
  Shard& shard = shard_of(dir_key);
  std::shared_ptr<const Listing> before;
  std::unordered_map<std::string, std::optional<std::string>> changed;
  uint64_t changes = 0;
  {
    std::lock_guard lock(shard.mutex);
    Slot* slot = live_slot(shard, dir_key);
    if (!slot || !slot->listing || slot->changes == 0) return slot ? slot->listing : nullptr;
    before = slot->listing;
    changed = slot->fields;
    changes = slot->changes;
  }
  // A long one is not made anew under the lock. Those that are being read stay as they are.
  auto listing = with_changes(*before, changed);
  if (!listing) return nullptr;
  std::lock_guard lock(shard.mutex);
  Slot* slot = live_slot(shard, dir_key);
  if (slot && slot->listing == before && slot->changes == changes)
    put_listing(shard, dir_key, listing, slot->expires);
  return listing;
}

void ValueCache::invalidate(const std::string& key) {
  {
    std::lock_guard lock(ring_mutex_);
    ring_[ring_seq_++ % kRing] = hash_of(key);
  }
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  if (auto it = shard.slots.find(key); it != shard.slots.end()) drop(shard, it);
}

void ValueCache::clear() {
  {
    std::lock_guard lock(ring_mutex_);
    ++epoch_;
  }
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    shard.slots.clear();
    shard.lru.clear();
    shard.bytes = 0;
  }
}

ValueCache::Stats ValueCache::stats() const {
  Stats s;
  s.hits = hits_.load(std::memory_order_relaxed);
  s.misses = misses_.load(std::memory_order_relaxed);
  s.evicted = evicted_.load(std::memory_order_relaxed);
  s.cancelled_fills = cancelled_.load(std::memory_order_relaxed);
  for (const Shard& shard : shards_) {
    std::lock_guard lock(const_cast<std::mutex&>(shard.mutex));
    s.keys += shard.slots.size();
    s.bytes += shard.bytes;
  }
  std::lock_guard lock(ring_mutex_);
  s.invalidations = ring_seq_;
  return s;
}

}  // namespace fastmeta::engine
