// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/redis_commands.h"

#include <cerrno>

#include "util/log.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;
using redis::Command;
using redis::Reply;

Command to_command(const ReadKey& read) {
  switch (read.kind) {
    case ReadKind::kString: return {"GET", read.key};
    case ReadKind::kField: return {"HGET", read.key, read.field};
    case ReadKind::kHash: return {"HGETALL", read.key};
    case ReadKind::kHashCount: return {"HLEN", read.key};
    case ReadKind::kList: return {"LRANGE", read.key, "0", "-1"};
  }
  MDP_CHECK(false);
}

namespace {

Error wrong_shape(const ReadKey& read, std::string_view what) {
  return {Fault::kCorrupt, EIO,
          fmt::format("key {} holds {}, which is not what the schema puts there", quote(read.key),
                      what)};
}

}  // namespace

Result<RawValue> to_value(const ReadKey& read, Reply&& reply) {
  if (reply.is_error()) {
    if (reply.text.starts_with("WRONGTYPE")) return wrong_shape(read, "a value of another type");
    return redis::refused(reply, to_command(read)[0]);
  }
  RawValue value;
  switch (read.kind) {
    case ReadKind::kString:
    case ReadKind::kField:
      if (reply.nil()) return value;
      if (!reply.is_text()) return wrong_shape(read, "no string");
      value.exists = true;
      value.bytes = std::move(reply.text);
      return value;
    case ReadKind::kHashCount:
      if (reply.kind != Reply::Kind::kNumber || reply.number < 0)
        return wrong_shape(read, "no count");
      value.count = static_cast<uint64_t>(reply.number);
      return value;
    case ReadKind::kList:
      if (reply.kind != Reply::Kind::kArray) return wrong_shape(read, "no list");
      for (Reply& item : reply.items) {
        if (!item.is_text()) return wrong_shape(read, "a list of no strings");
        value.items.push_back(std::move(item.text));
      }
      return value;
    case ReadKind::kHash:
      if (reply.kind != Reply::Kind::kArray || reply.items.size() % 2 != 0)
        return wrong_shape(read, "no hash");
      for (size_t i = 0; i < reply.items.size(); i += 2) {
        if (!reply.items[i].is_text() || !reply.items[i + 1].is_text())
          return wrong_shape(read, "a hash of no strings");
        value.fields.emplace_back(std::move(reply.items[i].text),
                                  std::move(reply.items[i + 1].text));
      }
      return value;
  }
  MDP_CHECK(false);
}

Command to_command(const Write& w) {
  auto number = [&] { return std::to_string(w.delta); };
  switch (w.op) {
    case WriteOp::kSet: return {"SET", w.key, w.value};
    case WriteOp::kDel: return {"DEL", w.key};
    case WriteOp::kIncrBy: return {"INCRBY", w.key, number()};
    case WriteOp::kHSet: return {"HSET", w.key, w.field, w.value};
    case WriteOp::kHDel: return {"HDEL", w.key, w.field};
    case WriteOp::kHIncrBy: return {"HINCRBY", w.key, w.field, number()};
    case WriteOp::kRPush: return {"RPUSH", w.key, w.value};
    case WriteOp::kRPushX: return {"RPUSHX", w.key, w.value};
    case WriteOp::kLPush: return {"LPUSH", w.key, w.value};
    case WriteOp::kLTrim: return {"LTRIM", w.key, number(), "-1"};
    case WriteOp::kZAdd: return {"ZADD", w.key, number(), w.field};
    case WriteOp::kZRem: return {"ZREM", w.key, w.field};
    case WriteOp::kSAdd: return {"SADD", w.key, w.field};
    case WriteOp::kSRem: return {"SREM", w.key, w.field};
    case WriteOp::kHSetNx: return {"HSETNX", w.key, w.field, w.value};
  }
  MDP_CHECK(false);
}

}  // namespace fastmeta::engine
