// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "model/merge.h"
#include "util/bytes.h"

namespace fastmeta::model {

namespace {

// What Redis refuses (no number, an overflow) leaves the value as it is: the same
// command fails when it is sent, and that is where it is judged.
void add(RawValue& number, int64_t delta) {
  int64_t value = 0;
  if (number.exists) {
    const auto parsed = parse_decimal<int64_t>(number.bytes);
    if (!parsed) return;
    value = *parsed;
  }
  if (__builtin_add_overflow(value, delta, &value)) return;
  number.exists = true;
  number.bytes = std::to_string(value);
}

void put(RawValue& value, const Write& write) {
  value.exists = true;
  value.bytes = write.value;
}

// On a string or on one field of a hash.
void apply_to_value(RawValue& value, const Write& write) {
  switch (write.op) {
    case WriteOp::kSet:
    case WriteOp::kHSet:
      put(value, write);
      break;
    case WriteOp::kHSetNx:
      if (!value.exists) put(value, write);
      break;
    case WriteOp::kHDel:
      value = {};
      break;
    case WriteOp::kIncrBy:
    case WriteOp::kHIncrBy:
      add(value, write.delta);
      break;
    default:
      break;
  }
}

void apply_to_list(std::vector<std::string>& items, const Write& write) {
  switch (write.op) {
    case WriteOp::kRPushX:
      if (items.empty()) return;
      [[fallthrough]];
    case WriteOp::kRPush:
      items.push_back(write.value);
      break;
    case WriteOp::kLPush:
      items.insert(items.begin(), write.value);
      break;
    case WriteOp::kLTrim: {
      const auto drop = std::clamp<int64_t>(write.delta, 0, std::ssize(items));
      items.erase(items.begin(), items.begin() + drop);
      break;
    }
    default:
      break;
  }
}

bool concerns_field(WriteOp op) {
  return op == WriteOp::kHSet || op == WriteOp::kHSetNx || op == WriteOp::kHDel ||
         op == WriteOp::kHIncrBy;
}

bool concerns_list(WriteOp op) {
  return op == WriteOp::kRPush || op == WriteOp::kRPushX || op == WriteOp::kLPush ||
         op == WriteOp::kLTrim;
}

// After these the value before does not matter.
bool determines(WriteOp op) {
  return op == WriteOp::kSet || op == WriteOp::kHSet || op == WriteOp::kHDel;
}

RawValue replay(RawValue value, const std::vector<Write>& writes) {
  for (const Write& write : writes) apply_to_value(value, write);
  return value;
}

const std::string* field_in(const RawValue& hash, const std::string& field) {
  for (const auto& [name, value] : hash.fields)
    if (name == field) return &value;
  return nullptr;
}

}  // namespace

void OverlaidReads::load(const ReadKey& read, RawValue value) {
  base_.insert_or_assign(read, std::move(value));
  // The whole tells of each field too, and a field tells of the count.
  if (read.kind == ReadKind::kHash) return forget(read.key);
  answers_.erase(read);
  if (read.kind == ReadKind::kField) answers_.erase({ReadKind::kHashCount, read.key, {}});
}

void OverlaidReads::write(const Write& write) {
  if (write.op == WriteOp::kDel) {
    written_[write.key] = {.replaced = true, .whole = {}, .fields = {}};
    forget(write.key);
    return;
  }
  if (concerns_field(write.op)) {
    std::vector<Write>& writes = written_[write.key].fields[write.field];
    if (determines(write.op)) writes.clear();
    writes.push_back(write);
    answers_.erase({ReadKind::kField, write.key, write.field});
    answers_.erase({ReadKind::kHash, write.key, {}});
    answers_.erase({ReadKind::kHashCount, write.key, {}});
    return;
  }
  if (write.op != WriteOp::kSet && write.op != WriteOp::kIncrBy && !concerns_list(write.op))
    return;  // sets and sorted sets are never read by rules
  KeyWrites& key = written_[write.key];
  if (write.op == WriteOp::kSet) key.whole.clear();
  key.whole.push_back(write);
  answers_.erase({ReadKind::kString, write.key, {}});
  answers_.erase({ReadKind::kList, write.key, {}});
}

const RawValue* OverlaidReads::find(const ReadKey& read) const {
  if (auto at = answers_.find(read); at != answers_.end()) return &at->second;
  auto value = compute(read);
  if (!value) return nullptr;
  return &answers_.insert_or_assign(read, std::move(*value)).first->second;
}

void OverlaidReads::clear() {
  base_.clear();
  written_.clear();
  answers_.clear();
}

void OverlaidReads::forget(const std::string& key) {
  for (ReadKind kind : {ReadKind::kString, ReadKind::kHash, ReadKind::kHashCount, ReadKind::kList})
    answers_.erase({kind, key, {}});
  auto at = answers_.lower_bound({ReadKind::kField, key, {}});
  while (at != answers_.end() && at->first.kind == ReadKind::kField && at->first.key == key)
    at = answers_.erase(at);
}

const OverlaidReads::KeyWrites& OverlaidReads::writes_of(const std::string& key) const {
  static const KeyWrites kNone;
  auto at = written_.find(key);
  return at == written_.end() ? kNone : at->second;
}

std::optional<RawValue> OverlaidReads::base(const ReadKey& read) const {
  if (writes_of(read.key).replaced) return RawValue{};
  if (auto at = base_.find(read); at != base_.end()) return at->second;
  if (read.kind != ReadKind::kField && read.kind != ReadKind::kHashCount) return std::nullopt;
  auto hash = base_.find({ReadKind::kHash, read.key, {}});
  if (hash == base_.end()) return std::nullopt;
  RawValue value;
  if (read.kind == ReadKind::kHashCount) {
    value.count = hash->second.fields.size();
  } else if (const std::string* there = field_in(hash->second, read.field)) {
    value.exists = true;
    value.bytes = *there;
  }
  return value;
}

std::optional<RawValue> OverlaidReads::compute(const ReadKey& read) const {
  const KeyWrites& written = writes_of(read.key);
  auto value = base(read);
  switch (read.kind) {
    case ReadKind::kString:
      if (!written.whole.empty() && determines(written.whole.front().op)) value.emplace();
      if (value) *value = replay(std::move(*value), written.whole);
      break;
    case ReadKind::kField: {
      auto at = written.fields.find(read.field);
      if (at == written.fields.end()) break;
      if (determines(at->second.front().op)) value.emplace();
      if (value) *value = replay(std::move(*value), at->second);
      break;
    }
    case ReadKind::kHash:
      if (value) overlay_hash(*value, written);
      break;
    case ReadKind::kHashCount:
      if (value) overlay_count(read.key, *value, written);
      break;
    case ReadKind::kList:
      if (!value) break;
      for (const Write& write : written.whole) apply_to_list(value->items, write);
      break;
  }
  return value;
}

void OverlaidReads::overlay_hash(RawValue& hash, const KeyWrites& written) const {
  for (const auto& [field, writes] : written.fields) {
    auto at = std::ranges::find(hash.fields, field, &std::pair<std::string, std::string>::first);
    RawValue value;
    if (at != hash.fields.end()) {
      value.exists = true;
      value.bytes = at->second;
    }
    value = replay(std::move(value), writes);
    if (!value.exists) {
      if (at != hash.fields.end()) hash.fields.erase(at);
    } else if (at != hash.fields.end()) {
      at->second = value.bytes;
    } else {
      hash.fields.emplace_back(field, value.bytes);
    }
  }
}

void OverlaidReads::overlay_count(const std::string& key, RawValue& count,
                                  const KeyWrites& written) const {
  uint64_t there_now = 0;
  int64_t growth = 0;
  for (const auto& [field, writes] : written.fields) {
    const auto before = base({ReadKind::kField, key, field});
    const bool exists = replay(before.value_or(RawValue{}), writes).exists;
    there_now += exists ? 1 : 0;
    // Of a field that was never looked at, what leaves more entries is assumed: a
    // directory must not seem empty.
    const bool existed = before ? before->exists : false;
    growth += (exists ? 1 : 0) - (existed ? 1 : 0);
  }
  const int64_t sum = static_cast<int64_t>(count.count) + growth;
  count.count = std::max(there_now, static_cast<uint64_t>(std::max<int64_t>(sum, 0)));
}

}  // namespace fastmeta::model
