// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/checks.h"
#include "model/rules/lock_table.h"
#include "model/rules/locks.h"

namespace fastmeta::model {

Result<void> flock(const View& seen, Ino ino, uint64_t owner, LockType type, Mutations& out) {
  MDP_TRY(LockTable table, LockTable::load(seen, seen.keys().flock(ino), owner));
  if (type == LockType::kNone) {
    if (table.own()) table.erase(out);
    return {};
  }
  for (const auto& [field, value] : table.fields()) {
    if (table.is_mine(field)) continue;
    if (value != "R" && value != "W") return table.corrupt(field, "neither R nor W");
    if (type == LockType::kWrite || value == "W") return answer(EAGAIN);
  }
  table.store(type == LockType::kWrite ? "W" : "R", out);
  return {};
}

}  // namespace fastmeta::model
