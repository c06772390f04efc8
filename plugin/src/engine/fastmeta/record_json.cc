// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/record_json.h"

#include <fmt/format.h>

#include <ctime>
#include <variant>

#include "model/oplog_record.h"

namespace fastmeta::engine {
namespace {

using nlohmann::json;

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

json as_json(std::string_view bytes) {
  for (char c : bytes)
    if (static_cast<uint8_t>(c) < ' ' || c == 0x7f) return {{"hex", hex(bytes)}};
  json text = bytes;
  try {
    (void)text.dump();  // the library's own check of UTF-8
  } catch (const json::type_error&) {
    return {{"hex", hex(bytes)}};
  }
  return text;
}

std::string as_text(Timestamp time) {
  const std::time_t sec = time.sec;
  std::tm utc{};
  if (::gmtime_r(&sec, &utc) == nullptr) return fmt::format("{}.{:09}", time.sec, time.nsec);
  char text[64] = "";
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:09}Z", text, time.nsec);
}

json as_json(const model::SliceRecord& slice) {
  return {{"pos", slice.pos}, {"id", slice.id}, {"size", slice.size}, {"off", slice.off},
          {"len", slice.len}};
}

// The arguments of each operation; ino is what it is about.
struct Arguments {
  json& out;

  void name(model::Ino parent, const std::string& text) {
    out["parent"] = parent;
    out["name"] = as_json(text);
  }
  void operator()(const model::CreateArgs& a) {
    out["ino"] = a.ino;
    name(a.parent, a.name);
    out["type"] = static_cast<int>(a.type);
    out["mode"] = fmt::format("{:04o}", a.mode & ~a.who.umask & 07777u);
    if (a.rdev != 0) out["rdev"] = a.rdev;
    if (!a.target.empty()) out["target"] = as_json(a.target);
  }
  void operator()(const model::LinkArgs& a) {
    out["ino"] = a.ino;
    name(a.parent, a.name);
  }
  void operator()(const model::Unlink& a) { name(a.want.parent, a.want.name); }
  void operator()(const model::Rmdir& a) { name(a.want.parent, a.want.name); }
  void operator()(const model::RenameArgs& a) {
    name(a.parent, a.name);
    out["new_parent"] = a.new_parent;
    out["new_name"] = as_json(a.new_name);
    out["flags"] = a.flags;
  }
  void operator()(const model::SetattrArgs& a) {
    out["ino"] = a.ino;
    if (a.mode) out["mode"] = fmt::format("{:04o}", *a.mode);
    if (a.uid) out["new_uid"] = *a.uid;
    if (a.gid) out["new_gid"] = *a.gid;
    if (a.atime) out["atime"] = as_text(*a.atime);
    if (a.mtime) out["mtime"] = as_text(*a.mtime);
    if (a.atime_now) out["atime"] = "now";
    if (a.mtime_now) out["mtime"] = "now";
    if (a.flags) out["flags"] = *a.flags;
    if (a.kill_suid) out["kill_suid"] = true;
  }
  void operator()(const model::SetXattrArgs& a) {
    out["ino"] = a.ino;
    out["xattr"] = as_json(a.name);
    out["value_bytes"] = a.value.size();
    out["flags"] = a.flags;
  }
  void operator()(const model::RemoveXattrArgs& a) {
    out["ino"] = a.ino;
    out["xattr"] = as_json(a.name);
  }
  void operator()(const model::WriteSliceArgs& a) {
    out["ino"] = a.ino;
    out["chunk"] = a.chunk;
    out["slice"] = as_json(a.slice);
    out["mtime"] = as_text(a.mtime);
  }
  void operator()(const model::TruncateArgs& a) {
    out["ino"] = a.ino;
    out["length"] = a.length;
  }
  void operator()(const model::FallocateArgs& a) {
    out["ino"] = a.ino;
    out["mode"] = a.mode;
    out["off"] = a.off;
    out["len"] = a.len;
  }
  void operator()(const model::CopyRangeArgs& a) {
    out["ino"] = a.to;
    out["off"] = a.to_off;
    out["from"] = a.from;
    out["from_off"] = a.from_off;
    out["len"] = a.len;
  }
  void operator()(const model::LastCloseArgs& a) { out["ino"] = a.ino; }
};

const char* expect_name(model::Reliance::Expect expect) {
  switch (expect) {
    case model::Reliance::Expect::kNothing: return "read";
    case model::Reliance::Expect::kAbsent: return "absent";
    case model::Reliance::Expect::kEntry: return "entry";
    case model::Reliance::Expect::kInode: return "inode";
    case model::Reliance::Expect::kEmpty: return "empty";
  }
  return "unknown";
}

const char* write_name(model::WriteOp op) {
  constexpr const char* kNames[] = {"SET",   "DEL",    "INCRBY", "HSET", "HDEL",
                                    "HINCRBY", "RPUSH", "RPUSHX", "LPUSH", "LTRIM",
                                    "ZADD",  "ZREM",   "SADD",   "SREM", "HSETNX"};
  const size_t at = static_cast<size_t>(op) - 1;
  return at < std::size(kNames) ? kNames[at] : "unknown";
}

void add_details(json& out, const model::OplogRecord& record, std::string_view bytes) {
  json relied = json::array(), writes = json::array(), locks = json::array();
  for (const model::Reliance& one : record.relied) {
    json item = {{"key", as_json(one.read.key)}, {"expect", expect_name(one.expect)}};
    if (one.read.kind == model::ReadKind::kField) item["field"] = as_json(one.read.field);
    if (one.value != 0) item["value"] = one.value;
    relied.push_back(std::move(item));
  }
  for (const model::Write& one : record.writes) {
    json item = {{"op", write_name(one.op)}, {"key", as_json(one.key)}};
    if (!one.field.empty()) item["field"] = as_json(one.field);
    if (!one.value.empty()) item["value"] = as_json(one.value);
    if (one.delta != 0) item["delta"] = one.delta;
    writes.push_back(std::move(item));
  }
  for (const model::LockGuard& one : record.locks)
    locks.push_back({{"session", one.session}, {"key", as_json(one.key)}});
  out["relied"] = std::move(relied);
  out["writes"] = std::move(writes);
  out["locks"] = std::move(locks);
  out["used_space"] = record.used_space;
  out["used_inodes"] = record.used_inodes;
  if (model::content_of(record.operation) != 0) out["base_mtime"] = as_text(record.base_mtime);
  if (!record.copied.empty()) {
    out["copied"] = json::array();
    for (const model::SliceRecord& slice : record.copied) out["copied"].push_back(as_json(slice));
  }
  out["encoded"] = hex(bytes);
}

}  // namespace

json record_json(uint64_t seq, std::string_view bytes, bool full) {
  const auto record = model::decode_record(bytes);
  if (!record) {
    json out = {{"seq", seq}, {"damage", record.error().text}};
    if (full) out["encoded"] = hex(bytes);
    return out;
  }
  json out = {{"seq", record->seq},
              {"time", as_text(record->time)},
              {"op", model::name_of(model::kind_of(record->operation))},
              {"uid", record->uid},
              {"gid", record->gid},
              {"pid", record->pid}};
  std::visit(Arguments{out}, record->operation);
  if (const model::Caller* who = model::caller_of(record->operation)) {
    out["uid"] = who->uid;
    out["gid"] = who->gid;
  }
  if (record->staged) out["staged"] = true;
  if (record->nameless) out["nameless"] = true;
  if (full) add_details(out, *record, bytes);
  return out;
}

json conflict_json(uint64_t id, std::string_view bytes, bool full) {
  const auto entry = decode_entry(bytes);
  if (!entry) return {{"id", id}, {"damage", entry.error().text}};
  const json record = record_json(entry->seq, entry->record, full);
  json out = {{"id", entry->id},
              {"seq", entry->seq},
              {"time", as_text(entry->time)},
              {"op", record.value("op", "unknown")},
              {"path_then", as_json(entry->path_then)},
              {"path_now", as_json(entry->path_now)},
              {"reason", as_json(entry->reason)},
              {"errno", entry->error},
              {"pid", record.value("pid", 0u)},
              {"state", name_of(entry->state)},
              {"caused_by", entry->caused_by}};
  for (const char* field : {"uid", "gid"})
    if (record.contains(field)) out[field] = record[field];
  if (!full) return out;
  out["record"] = record;
  out["undo"] = json::array();
  for (const JournalEntry::UndoRow& one : entry->undo)
    out["undo"].push_back({{"row", as_json(one.row)},
                           {"server", one.server ? as_json(*one.server) : json(nullptr)}});
  out["later"] = json::array();
  for (const std::string& one : entry->later) out["later"].push_back(record_json(0, one, true));
  return out;
}

}  // namespace fastmeta::engine
