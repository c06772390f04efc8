// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/lock_table.h"

#include <algorithm>

#include "model/rules/checks.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

Result<LockTable> LockTable::load(const View& seen, std::string key, uint64_t owner) {
  const uint64_t session = seen.facts().session;
  if (session == 0) return answer(ENOLCK);
  const ReadKey read{ReadKind::kHash, key, {}, true};
  MDP_TRY_VOID(seen.need({read}));
  MDP_TRY(RawValue stored, seen.raw(read));
  LockTable table;
  table.key_ = std::move(key);
  table.session_key_ = seen.keys().session_locks(session);
  table.session_prefix_ = std::to_string(session) + "_";
  table.mine_ = encode_lock_owner({session, owner});
  table.fields_ = std::move(stored.fields);
  return table;
}

const std::string* LockTable::own() const {
  auto at = std::ranges::find(fields_, mine_, &Fields::value_type::first);
  return at == fields_.end() ? nullptr : &at->second;
}

Error LockTable::corrupt(std::string_view field, std::string_view what) const {
  return {Fault::kCorrupt, EIO, key_ + " " + std::string(field) + ": " + std::string(what)};
}

void LockTable::store(std::string value, Mutations& out) const {
  out.hset(key_, mine_, std::move(value));
  out.sadd(session_key_, key_);
}

void LockTable::erase(Mutations& out) const {
  out.hdel(key_, mine_);
  const bool others = std::ranges::any_of(fields_, [&](const auto& field) {
    return !is_mine(field.first) && is_of_session(field.first);
  });
  if (!others) out.srem(session_key_, key_);
}

}  // namespace fastmeta::model
