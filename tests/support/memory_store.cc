// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/memory_store.h"

#include <algorithm>

#include "util/bytes.h"
#include "util/check.h"

namespace fastmeta::test {

using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;

namespace {

using Values = std::map<std::string, MemoryStore::Value>;

// The value to write to, created empty; a value of another type is WRONGTYPE.
template <typename T>
T& writable(Values& values, const std::string& key) {
  auto [at, created] = values.try_emplace(key, T{});
  MDP_CHECK(std::holds_alternative<T>(at->second));
  return std::get<T>(at->second);
}

template <typename T>
const T& readable(const Values& values, const std::string& key) {
  static const T kEmpty{};
  auto at = values.find(key);
  if (at == values.end()) return kEmpty;
  MDP_CHECK(std::holds_alternative<T>(at->second));
  return std::get<T>(at->second);
}

int64_t number(const std::string& text) {
  if (text.empty()) return 0;
  auto value = parse_decimal<int64_t>(text);
  MDP_CHECK(value);
  return *value;
}

bool is_empty(const MemoryStore::Value& value) {
  if (std::holds_alternative<MemoryStore::String>(value)) return false;
  if (auto* hash = std::get_if<MemoryStore::Hash>(&value)) return hash->empty();
  if (auto* list = std::get_if<MemoryStore::List>(&value)) return list->empty();
  if (auto* set = std::get_if<MemoryStore::Set>(&value)) return set->empty();
  return std::get<MemoryStore::SortedSet>(value).scores.empty();
}

int64_t add(std::string& text, int64_t delta) {
  const int64_t sum = number(text) + delta;
  text = std::to_string(sum);
  return sum;
}

int64_t write_hash(MemoryStore::Hash& hash, const Write& w) {
  switch (w.op) {
    case WriteOp::kHSet:
      return hash.insert_or_assign(w.field, w.value).second;
    case WriteOp::kHSetNx:
      return hash.emplace(w.field, w.value).second;
    case WriteOp::kHDel:
      return static_cast<int64_t>(hash.erase(w.field));
    default:
      return add(hash[w.field], w.delta);
  }
}

int64_t write_list(MemoryStore::List& list, const Write& w) {
  if (w.op == WriteOp::kLTrim) {
    list.erase(list.begin(),
               list.begin() + std::min<int64_t>(w.delta, static_cast<int64_t>(list.size())));
    return 0;
  }
  list.insert(w.op == WriteOp::kLPush ? list.begin() : list.end(), w.value);
  return static_cast<int64_t>(list.size());
}

int64_t write(Values& values, const Write& w) {
  switch (w.op) {
    case WriteOp::kSet:
      values[w.key] = w.value;
      return 0;
    case WriteOp::kDel:
      return static_cast<int64_t>(values.erase(w.key));
    case WriteOp::kIncrBy:
      return add(writable<MemoryStore::String>(values, w.key), w.delta);
    case WriteOp::kHSet:
    case WriteOp::kHSetNx:
    case WriteOp::kHDel:
    case WriteOp::kHIncrBy:
      return write_hash(writable<MemoryStore::Hash>(values, w.key), w);
    case WriteOp::kRPushX:
      if (!values.contains(w.key)) return 0;
      [[fallthrough]];
    case WriteOp::kRPush:
    case WriteOp::kLPush:
    case WriteOp::kLTrim:
      return write_list(writable<MemoryStore::List>(values, w.key), w);
    case WriteOp::kZAdd:
      return writable<MemoryStore::SortedSet>(values, w.key)
          .scores.insert_or_assign(w.field, w.delta)
          .second;
    case WriteOp::kZRem:
      return static_cast<int64_t>(
          writable<MemoryStore::SortedSet>(values, w.key).scores.erase(w.field));
    case WriteOp::kSAdd:
      return writable<MemoryStore::Set>(values, w.key).insert(w.field).second;
    case WriteOp::kSRem:
      return static_cast<int64_t>(writable<MemoryStore::Set>(values, w.key).erase(w.field));
  }
  check_failed("a write of an unknown kind", __FILE__, __LINE__);
}

}  // namespace

model::RawValue MemoryStore::read(const ReadKey& key) const {
  model::RawValue raw;
  switch (key.kind) {
    case ReadKind::kString:
      raw.exists = values_.contains(key.key);
      raw.bytes = readable<String>(values_, key.key);
      break;
    case ReadKind::kField: {
      const Hash& hash = readable<Hash>(values_, key.key);
      auto at = hash.find(key.field);
      raw.exists = at != hash.end();
      if (raw.exists) raw.bytes = at->second;
      break;
    }
    case ReadKind::kHash:
      for (const auto& field : readable<Hash>(values_, key.key)) raw.fields.push_back(field);
      break;
    case ReadKind::kHashCount:
      raw.count = readable<Hash>(values_, key.key).size();
      break;
    case ReadKind::kList:
      raw.items = readable<List>(values_, key.key);
      break;
  }
  return raw;
}

int64_t MemoryStore::apply(const Write& w) {
  const int64_t reply = write(values_, w);
  if (auto at = values_.find(w.key); at != values_.end() && is_empty(at->second))
    values_.erase(at);
  return reply;
}

std::vector<int64_t> MemoryStore::apply(const model::Mutations& mutations) {
  std::vector<int64_t> replies;
  for (const Write& w : mutations.writes) replies.push_back(apply(w));
  return replies;
}

std::optional<std::string> MemoryStore::field(const std::string& key,
                                              const std::string& field) const {
  const Hash& hash = readable<Hash>(values_, key);
  auto at = hash.find(field);
  if (at == hash.end()) return std::nullopt;
  return at->second;
}

int64_t MemoryStore::counter(const std::string& key) const {
  return number(readable<String>(values_, key));
}

}  // namespace fastmeta::test
