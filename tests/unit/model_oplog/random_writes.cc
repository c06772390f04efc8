// SPDX-License-Identifier: GPL-3.0-or-later
#include "random_writes.h"

namespace fastmeta::test {

using namespace model;  // NOLINT

namespace {

std::string numbered(Dice& dice, const char* name, uint64_t of) {
  return name + std::to_string(dice.below(of));
}

// Numbers, so that sums are possible everywhere.
std::string value(Dice& dice) { return std::to_string(dice.below(9)); }
int64_t delta(Dice& dice) { return static_cast<int64_t>(dice.below(7)) - 3; }

Write string_write(Dice& dice) {
  const std::string key = numbered(dice, "s", 2);
  if (dice.one_in(2)) return {WriteOp::kSet, key, {}, value(dice), 0};
  return {WriteOp::kIncrBy, key, {}, {}, delta(dice)};
}

Write hash_write(Dice& dice) {
  const std::string key = numbered(dice, "h", 2);
  const std::string field = numbered(dice, "f", 3);
  switch (dice.below(4)) {
    case 0: return {WriteOp::kHSet, key, field, value(dice), 0};
    case 1: return {WriteOp::kHSetNx, key, field, value(dice), 0};
    case 2: return {WriteOp::kHDel, key, field, {}, 0};
    default: return {WriteOp::kHIncrBy, key, field, {}, delta(dice)};
  }
}

Write list_write(Dice& dice) {
  const std::string key = numbered(dice, "l", 2);
  switch (dice.below(4)) {
    case 0: return {WriteOp::kRPush, key, {}, value(dice), 0};
    case 1: return {WriteOp::kRPushX, key, {}, value(dice), 0};
    case 2: return {WriteOp::kLPush, key, {}, value(dice), 0};
    default: return {WriteOp::kLTrim, key, {}, {}, static_cast<int64_t>(dice.below(3))};
  }
}

Write member_write(Dice& dice) {
  const std::string member = numbered(dice, "m", 3);
  switch (dice.below(4)) {
    case 0: return {WriteOp::kZAdd, "z", member, {}, delta(dice)};
    case 1: return {WriteOp::kZRem, "z", member, {}, 0};
    case 2: return {WriteOp::kSAdd, "t", member, {}, 0};
    default: return {WriteOp::kSRem, "t", member, {}, 0};
  }
}

}  // namespace

Write random_write(Dice& dice) {
  Write write;
  switch (dice.below(4)) {
    case 0: write = string_write(dice); break;
    case 1: write = hash_write(dice); break;
    case 2: write = list_write(dice); break;
    default: write = member_write(dice); break;
  }
  if (dice.one_in(8)) write = {WriteOp::kDel, write.key, {}, {}, 0};
  return write;
}

Mutations random_mutations(Dice& dice, size_t writes_max) {
  Mutations out;
  for (size_t n = dice.below(writes_max + 1); n > 0; --n) {
    if (dice.below(5) != 0) {
      out.writes.push_back(random_write(dice));
      continue;
    }
    const uint64_t id = 1 + dice.below(3);
    const bool fewer = dice.below(3) != 0;
    if (fewer) out.releases.push_back({out.writes.size(), id, 8});
    out.hincr_by("href", std::to_string(id), fewer ? -1 : 1);
  }
  out.used_space = delta(dice);
  out.used_inodes = delta(dice);
  for (size_t n = dice.below(3); n > 0; --n)
    out.dir_stats.push_back({1 + dice.below(2), delta(dice), delta(dice), delta(dice)});
  if (dice.one_in(4)) out.dead_files.push_back({dice.below(100), 1});
  return out;
}

MemoryStore random_store(Dice& dice) {
  MemoryStore store;
  for (size_t n = dice.below(25); n > 0; --n) store.apply(random_write(dice));
  for (uint64_t id = 1; id <= 3; ++id)
    if (dice.one_in(2)) store.apply({WriteOp::kHSet, "href", std::to_string(id), value(dice), 0});
  return store;
}

}  // namespace fastmeta::test
