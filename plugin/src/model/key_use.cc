// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/key_use.h"

#include <algorithm>
#include <type_traits>

namespace fastmeta::model {

namespace {

using How = KeyUse::How;

std::vector<Ino> parents_of(const Operation& operation) {
  return std::visit(
      [](const auto& want) -> std::vector<Ino> {
        if constexpr (requires { want.new_parent; }) {
          return {want.parent, want.new_parent};
        } else if constexpr (requires { want.want.parent; }) {
          return {want.want.parent};
        } else if constexpr (requires { want.parent; }) {
          return {want.parent};
        } else {
          return {};
        }
      },
      operation);
}

How how_written(WriteOp op) {
  return op == WriteOp::kIncrBy || op == WriteOp::kHIncrBy ? How::kAdd : How::kWrite;
}

bool has_field(WriteOp op) {
  switch (op) {
    case WriteOp::kHSet:
    case WriteOp::kHSetNx:
    case WriteOp::kHDel:
    case WriteOp::kHIncrBy:
    case WriteOp::kZAdd:
    case WriteOp::kZRem:
    case WriteOp::kSAdd:
    case WriteOp::kSRem:
      return true;
    default:
      return false;
  }
}

}  // namespace

uint8_t excluded_by(How how) {
  switch (how) {
    case How::kRead:
      return How::kWrite | How::kAdd | How::kParent;
    case How::kWrite:
      return How::kRead | How::kWrite | How::kAdd | How::kParent;
    case How::kAdd:
      return How::kRead | How::kWrite | How::kParent;
    case How::kParent:
      return How::kRead | How::kWrite | How::kAdd;
  }
  return 0xff;
}

std::vector<KeyUse> key_uses(const KeySpace& keys, const OplogRecord& record) {
  std::vector<std::string> parents;
  for (Ino parent : parents_of(record.operation)) parents.push_back(keys.attr(parent));
  auto is_parent = [&](const std::string& key) {
    return std::ranges::find(parents, key) != parents.end();
  };

  std::vector<KeyUse> uses;
  for (const std::string& parent : parents) uses.push_back({parent, {}, true, How::kParent});
  for (Ino ino : inodes_of(record.operation)) {
    std::string key = keys.attr(ino);
    if (!is_parent(key)) uses.push_back({std::move(key), {}, true, How::kRead});
  }
  for (const Reliance& reliance : record.relied) {
    const ReadKey& read = reliance.read;
    if (!read.watch || is_parent(read.key)) continue;
    uses.push_back({read.key, read.field, read.kind != ReadKind::kField, How::kRead});
  }
  for (const Write& write : record.writes) {
    if (is_parent(write.key)) continue;
    uses.push_back({write.key, write.field, !has_field(write.op), how_written(write.op)});
  }
  return uses;
}

void KeyUses::add(const std::vector<KeyUse>& uses) {
  for (const KeyUse& use : uses) {
    Key& key = keys_[use.key];
    if (use.whole) {
      key.whole |= use.how;
    } else {
      key.any_field |= use.how;
      key.fields[use.field] |= use.how;
    }
  }
}

bool KeyUses::shared_by(const std::vector<KeyUse>& uses) const {
  return std::ranges::any_of(uses, [&](const KeyUse& use) {
    auto at = keys_.find(use.key);
    if (at == keys_.end()) return false;
    const Key& key = at->second;
    uint8_t others = key.whole;
    if (use.whole) {
      others |= key.any_field;
    } else if (auto field = key.fields.find(use.field); field != key.fields.end()) {
      others |= field->second;
    }
    return (others & excluded_by(use.how)) != 0;
  });
}

}  // namespace fastmeta::model
