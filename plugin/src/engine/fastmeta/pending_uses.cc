// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/pending_uses.h"

#include <functional>
#include <optional>

namespace fastmeta::engine {

using model::KeyUse;

namespace {

// Two places that have the same number cost a look at a record, no more.
uint64_t mixed(uint64_t a, uint64_t b) { return (a ^ (b >> 29)) * 0x9e3779b97f4a7c15 + b; }

enum Part : uint64_t { kField = 1, kWhole = 2, kAnyField = 3 };

uint64_t place_of(const KeyUse& use, Part part) {
  const uint64_t key = mixed(std::hash<std::string>{}(use.key), part);
  return part == kField ? mixed(key, std::hash<std::string>{}(use.field)) : key;
}

}  // namespace

void PendingUses::note(uint64_t place, uint64_t seq, uint8_t how) {
  if (nodes_.empty()) nodes_.emplace_back();
  uint32_t& last = last_[place];
  if (last != 0 && nodes_[last].seq == seq) {
    nodes_[last].how |= how;
    return;
  }
  nodes_.push_back({seq, last, how});
  last = static_cast<uint32_t>(nodes_.size() - 1);
}

void PendingUses::add(uint64_t seq, const std::vector<KeyUse>& uses) {
  for (const KeyUse& use : uses) {
    if (use.whole) {
      note(place_of(use, kWhole), seq, use.how);
    } else {
      note(place_of(use, kField), seq, use.how);
      note(place_of(use, kAnyField), seq, use.how);
    }
  }
}

Result<void> PendingUses::refresh(store::Transaction& transaction) {
  std::optional<Error> failed;
  MDP_TRY_VOID(transaction.scan(
      store::Table::kOplog, store::number_key(next_),
      [&](std::string_view key, std::string_view bytes) {
        auto seq = store::key_number(key);
        auto record = model::decode_record(bytes);
        if (!seq || !record) {
          failed = seq ? std::move(record).error() : std::move(seq).error();
          return false;
        }
        add(*seq, model::key_uses(keys_, *record));
        next_ = *seq + 1;
        return true;
      }));
  if (failed) return *failed;
  return {};
}

void PendingUses::clear() {
  last_ = {};
  nodes_ = {};
  next_ = 1;
}

void PendingUses::collect(const std::vector<KeyUse>& uses, Asked& asked,
                          std::set<uint64_t>& found) const {
  auto look = [&](uint64_t place, const KeyUse& use) {
    uint8_t& how = asked[place];
    if ((how & use.how) != 0) return;
    how |= use.how;
    const auto last = last_.find(place);
    if (last == last_.end()) return;
    const uint8_t others = model::excluded_by(use.how);
    for (uint32_t at = last->second; at != 0; at = nodes_[at].before)
      if ((nodes_[at].how & others) != 0) found.insert(nodes_[at].seq);
  };
  for (const KeyUse& use : uses) {
    look(place_of(use, kWhole), use);
    look(place_of(use, use.whole ? kAnyField : kField), use);
  }
}

}  // namespace fastmeta::engine
