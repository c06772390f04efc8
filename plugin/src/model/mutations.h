// SPDX-License-Identifier: GPL-3.0-or-later
// What a rule wants changed: the physical writes of one transaction, in order,
// and what has to follow once they are committed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/types.h"

namespace fastmeta::model {

// Numbers are stored in oplog records: never reuse or renumber.
enum class WriteOp : uint8_t {
  kSet = 1,      // SET key value
  kDel = 2,      // DEL key
  kIncrBy = 3,   // INCRBY key delta
  kHSet = 4,     // HSET key field value
  kHDel = 5,     // HDEL key field
  kHIncrBy = 6,  // HINCRBY key field delta
  kRPush = 7,    // RPUSH key value
  kRPushX = 8,   // RPUSHX key value
  kLPush = 9,    // LPUSH key value
  kLTrim = 10,   // LTRIM key delta -1: drops the first `delta` records
  kZAdd = 11,    // ZADD key delta(score) field(member)
  kZRem = 12,    // ZREM key field(member)
  kSAdd = 13,    // SADD key field(member)
  kSRem = 14,    // SREM key field(member)
  kHSetNx = 15,  // HSETNX key field value
};

struct Write {
  WriteOp op = WriteOp::kSet;
  std::string key;
  std::string field;
  std::string value;
  int64_t delta = 0;
  bool operator==(const Write&) const = default;
};

// Change of a directory's statistics (direct children), flushed later.
struct DirStatDelta {
  Ino dir = 0;
  int64_t length = 0;
  int64_t space = 0;
  int64_t inodes = 0;
};

// A file whose inode is gone: its chunks are to be deleted, then its delfiles
// member removed.
struct DeadFile {
  Ino ino = 0;
  uint64_t length = 0;
};

// A write of kHIncrBy sliceRef -1: when its reply is < 0 nobody refers to the
// slice any more and its objects are to be deleted.
struct SliceRelease {
  size_t write = 0;  // index into Mutations::writes
  uint64_t id = 0;
  uint32_t size = 0;
};

struct Mutations {
  std::vector<Write> writes;
  std::vector<DirStatDelta> dir_stats;
  std::vector<DeadFile> dead_files;
  std::vector<SliceRelease> releases;
  int64_t used_space = 0;   // sums of the counter changes among writes
  int64_t used_inodes = 0;

  bool empty() const { return writes.empty(); }

  void set(std::string key, std::string value) {
    writes.push_back({WriteOp::kSet, std::move(key), {}, std::move(value), 0});
  }
  void del(std::string key) { writes.push_back({WriteOp::kDel, std::move(key), {}, {}, 0}); }
  void incr_by(std::string key, int64_t delta) {
    writes.push_back({WriteOp::kIncrBy, std::move(key), {}, {}, delta});
  }
  void hset(std::string key, std::string field, std::string value) {
    writes.push_back({WriteOp::kHSet, std::move(key), std::move(field), std::move(value), 0});
  }
  void hset_nx(std::string key, std::string field, std::string value) {
    writes.push_back({WriteOp::kHSetNx, std::move(key), std::move(field), std::move(value), 0});
  }
  void hdel(std::string key, std::string field) {
    writes.push_back({WriteOp::kHDel, std::move(key), std::move(field), {}, 0});
  }
  void hincr_by(std::string key, std::string field, int64_t delta) {
    writes.push_back({WriteOp::kHIncrBy, std::move(key), std::move(field), {}, delta});
  }
  void rpush(std::string key, std::string value) {
    writes.push_back({WriteOp::kRPush, std::move(key), {}, std::move(value), 0});
  }
  void rpushx(std::string key, std::string value) {
    writes.push_back({WriteOp::kRPushX, std::move(key), {}, std::move(value), 0});
  }
  void lpush(std::string key, std::string value) {
    writes.push_back({WriteOp::kLPush, std::move(key), {}, std::move(value), 0});
  }
  void ltrim_front(std::string key, int64_t drop) {
    writes.push_back({WriteOp::kLTrim, std::move(key), {}, {}, drop});
  }
  void zadd(std::string key, int64_t score, std::string member) {
    writes.push_back({WriteOp::kZAdd, std::move(key), std::move(member), {}, score});
  }
  void zrem(std::string key, std::string member) {
    writes.push_back({WriteOp::kZRem, std::move(key), std::move(member), {}, 0});
  }
  void sadd(std::string key, std::string member) {
    writes.push_back({WriteOp::kSAdd, std::move(key), std::move(member), {}, 0});
  }
  void srem(std::string key, std::string member) {
    writes.push_back({WriteOp::kSRem, std::move(key), std::move(member), {}, 0});
  }
};

}  // namespace fastmeta::model
