// SPDX-License-Identifier: GPL-3.0-or-later
#include "support/describe_writes.h"

#include <array>
#include <cstdio>
#include <optional>

#include "model/schema/codec.h"
#include "model/schema/keys.h"

namespace fastmeta::test {

using model::Write;
using model::WriteOp;

namespace {

constexpr std::array<const char*, 8> kTypes = {"?",    "file", "dir", "symlink",
                                               "fifo", "blk",  "chr", "socket"};

std::string time_text(const Timestamp& t) {
  return t.nsec == 0 ? std::to_string(t.sec)
                     : std::to_string(t.sec) + "." + std::to_string(t.nsec);
}

std::string optional_field(const char* name, uint64_t value) {
  return value == 0 ? "" : std::string(" ") + name + "=" + std::to_string(value);
}

std::string hex(const std::string& bytes) {
  std::string out;
  char digits[3];
  for (unsigned char byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    out += digits;
  }
  return out;
}

std::string value_text(const Write& w) {
  const auto key = model::KeySpace().parse(w.key);
  if (key && key->kind == 'i') {
    if (auto attr = model::decode_attr(w.value)) return describe(*attr);
  } else if (key && key->kind == 'd') {
    if (auto entry = model::decode_dentry(w.value))
      return std::string(kTypes[static_cast<size_t>(entry->type)]) + ":" +
             std::to_string(entry->ino);
  } else if (key && key->kind == 'c') {
    if (auto record = model::decode_slice(w.value)) return describe(*record);
  } else if (w.key == model::kDelSlices) {
    return hex(w.value);
  }
  return w.value;
}

}  // namespace

std::string describe(const model::Attr& a) {
  char perm[8];
  std::snprintf(perm, sizeof perm, "%04o", a.perm);
  return std::string(kTypes[static_cast<size_t>(a.type)]) + " " + perm + " " +
         std::to_string(a.uid) + ":" + std::to_string(a.gid) + " nlink=" +
         std::to_string(a.nlink) + " len=" + std::to_string(a.length) + " parent=" +
         std::to_string(a.parent) + " a=" + time_text(a.atime) + " m=" + time_text(a.mtime) +
         " c=" + time_text(a.ctime) + optional_field("flags", a.flags) +
         optional_field("rdev", a.rdev) + optional_field("acl", a.access_acl) +
         optional_field("default_acl", a.default_acl) + optional_field("tier", a.tier);
}

std::string describe(const model::SliceRecord& r) {
  return "pos=" + std::to_string(r.pos) + " id=" + std::to_string(r.id) + " size=" +
         std::to_string(r.size) + " off=" + std::to_string(r.off) + " len=" +
         std::to_string(r.len);
}

std::string describe(const Write& w) {
  const std::string delta = std::to_string(w.delta);
  switch (w.op) {
    case WriteOp::kSet:
      return "SET " + w.key + " " + value_text(w);
    case WriteOp::kDel:
      return "DEL " + w.key;
    case WriteOp::kIncrBy:
      return "INCRBY " + w.key + " " + delta;
    case WriteOp::kHSet:
      return "HSET " + w.key + " " + w.field + " " + value_text(w);
    case WriteOp::kHDel:
      return "HDEL " + w.key + " " + w.field;
    case WriteOp::kHIncrBy:
      return "HINCRBY " + w.key + " " + w.field + " " + delta;
    case WriteOp::kRPush:
      return "RPUSH " + w.key + " " + value_text(w);
    case WriteOp::kRPushX:
      return "RPUSHX " + w.key + " " + value_text(w);
    case WriteOp::kLPush:
      return "LPUSH " + w.key + " " + value_text(w);
    case WriteOp::kLTrim:
      return "LTRIM " + w.key + " " + delta + " -1";
    case WriteOp::kZAdd:
      return "ZADD " + w.key + " " + delta + " " + w.field;
    case WriteOp::kZRem:
      return "ZREM " + w.key + " " + w.field;
    case WriteOp::kSAdd:
      return "SADD " + w.key + " " + w.field;
    case WriteOp::kSRem:
      return "SREM " + w.key + " " + w.field;
    case WriteOp::kHSetNx:
      return "HSETNX " + w.key + " " + w.field + " " + value_text(w);
  }
  return "?";
}

std::vector<std::string> describe(const model::Mutations& mutations) {
  std::vector<std::string> lines;
  for (const Write& w : mutations.writes) lines.push_back(describe(w));
  return lines;
}

}  // namespace fastmeta::test
