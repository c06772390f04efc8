// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/batch_reads.h"

#include <cerrno>

#include "engine/redis_commands.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;
using redis::Command;

namespace {
ReadKey holders_of(const std::string& lock) { return {ReadKind::kHash, lock, {}, true}; }
}  // namespace

void BatchReads::watch(SyncBatch& batch, Command& command, const std::string& key) const {
  if (batch.watched.insert(key).second) command.push_back(key);
}

ReadRound BatchReads::first(SyncBatch& batch, bool unwatch) const {
  ReadRound round;
  Command watching{"WATCH"};
  watch(batch, watching, client_key_);
  for (const PendingPtr& item : batch.items) {
    const model::OplogRecord& record = item->record;
    for (const model::Reliance& one : record.relied) {
      if (one.read.watch) watch(batch, watching, one.read.key);
      if (batch.reads.insert(one.read).second) round.reads.push_back(one.read);
    }
    for (const Write& write : record.writes) {
      const auto parsed = keys_.parse(write.key);
      if (!parsed) continue;
      // Chunk lists too: another client's compaction would hide behind NOLOOP.
      watch(batch, watching, write.key);
      const bool entry = parsed->kind == 'd' &&
                         (write.op == WriteOp::kHSet || write.op == WriteOp::kHDel);
      if (entry && batch.stat_dirs.insert(parsed->ino).second) round.dirs.push_back(parsed->ino);
    }
    for (const model::LockGuard& guard : record.locks) {
      watch(batch, watching, keys_.session_locks(guard.session));
      watch(batch, watching, guard.key);
      if (batch.guards.emplace(guard.session, guard.key).second)
        round.guards.emplace_back(guard.session, guard.key);
    }
  }
  if (unwatch) round.commands.push_back({"UNWATCH"});
  round.commands.push_back(std::move(watching));
  round.heads = round.commands.size();
  round.client_key = true;
  round.commands.push_back({"GET", client_key_});
  for (const ReadKey& read : round.reads) round.commands.push_back(to_command(read));
  for (model::Ino dir : round.dirs)
    round.commands.push_back(
        {"HEXISTS", keys_.plain(model::kDirUsedSpace), std::to_string(dir)});
  // The set of a session's locks holds their keys; who cleans up after a session takes its field
  // off the lock first, and then others may have it.
  for (const auto& [session, key] : round.guards) {
    round.commands.push_back({"SISMEMBER", keys_.session_locks(session), key});
    round.commands.push_back(to_command(holders_of(key)));
  }
  return round;
}

ReadRound BatchReads::more(SyncBatch& batch, const std::vector<ReadKey>& needed) const {
  ReadRound round;
  Command watching{"WATCH"};
  for (const ReadKey& read : needed) {
    if (read.watch) watch(batch, watching, read.key);
    if (batch.reads.insert(read).second) round.reads.push_back(read);
  }
  for (const model::Mutations& one : batch.mutations)
    for (const Write& write : one.writes)
      if (keys_.parse(write.key)) watch(batch, watching, write.key);
  if (watching.size() > 1) round.commands.push_back(std::move(watching));
  round.heads = round.commands.size();
  for (const ReadKey& read : round.reads) round.commands.push_back(to_command(read));
  return round;
}

Result<void> BatchReads::take(SyncBatch& batch, const ReadRound& round,
                              std::vector<redis::Reply>& replies, size_t from) const {
  const size_t wanted = round.commands.size();
  if (replies.size() < from + wanted)
    return Error{Fault::kCorrupt, EIO, "the server answered fewer commands than were sent"};
  size_t at = from;
  for (size_t i = 0; i < round.heads; ++i, ++at)
    if (replies[at].is_error()) return redis::refused(replies[at], "WATCH");
  if (round.client_key) {
    redis::Reply& reply = replies[at++];
    if (reply.is_error()) return redis::refused(reply, "GET");
    batch.client_key.reset();
    if (reply.is_text()) batch.client_key = std::move(reply.text);
  }
  for (const ReadKey& read : round.reads) {
    auto value = to_value(read, std::move(replies[at++]));
    if (!value) {
      // A damaged value must not hold up the records of other keys: it is judged where a
      // record reads it.
      if (value.error().fault != Fault::kCorrupt) return std::move(value).error();
      batch.damaged.emplace(read, value.error().text);
      continue;
    }
    if (batch.keep_raw) batch.raw.emplace(read, *value);
    batch.values.load(read, std::move(*value));
  }
  for (model::Ino dir : round.dirs) {
    const redis::Reply& reply = replies[at++];
    batch.has_stats[dir] = reply.kind == redis::Reply::Kind::kNumber && reply.number == 1;
  }
  for (const auto& guard : round.guards) {
    const redis::Reply& reply = replies[at++];
    if (reply.is_error()) return redis::refused(reply, "SISMEMBER");
    const bool listed = reply.number == 1;
    const ReadKey holders = holders_of(guard.second);
    const auto value = to_value(holders, std::move(replies[at++]));
    if (!value && value.error().fault != Fault::kCorrupt) return value.error();
    auto& held = batch.locked[guard];
    if (!value) continue;  // damaged: nobody can say that it is ours
    for (const auto& one : value->fields)
      if (const auto owner = model::decode_lock_owner(one.first);
          listed && owner && owner->session == guard.first)
        held = one;
  }
  return {};
}

}  // namespace fastmeta::engine
