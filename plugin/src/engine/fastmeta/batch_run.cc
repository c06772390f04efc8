// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/batch_run.h"

#include <cerrno>
#include <cstring>

#include "model/rules/data.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Mutations;
using model::ReadKey;
using Expect = model::Reliance::Expect;

namespace {

// The standard gc removes what it cannot see after an hour.
constexpr int64_t kLateNs = int64_t{600} * 1'000'000'000;

std::string place(const ReadKey& read) {
  return read.kind == model::ReadKind::kField ? read.key + " " + quote(read.field) : read.key;
}

std::string why_broken(const model::Reliance& reliance) {
  const std::string where = place(reliance.read);
  switch (reliance.expect) {
    case Expect::kAbsent: return where + " exists now";
    case Expect::kEntry:
      return fmt::format("{} is not inode {} any more", where, reliance.value);
    case Expect::kInode: return where + " is gone or of another type";
    case Expect::kEmpty: return where + " is not empty any more";
    case Expect::kNothing: break;
  }
  return where + " is another";
}

}  // namespace

bool uses_trash(const model::Operation& operation) {
  if (const auto* op = std::get_if<model::Unlink>(&operation)) return op->want.trash != 0;
  if (const auto* op = std::get_if<model::Rmdir>(&operation)) return op->want.trash != 0;
  if (const auto* op = std::get_if<model::RenameArgs>(&operation)) return op->trash != 0;
  return false;
}

Result<std::vector<ReadKey>> BatchRun::run(SyncBatch& batch, const Terms& terms) {
  for (; batch.next < batch.items.size() && !batch.clash; ++batch.next) {
    batch.view->clear_needed();
    MDP_TRY(auto clash, one(batch, batch.items[batch.next], terms));
    if (!batch.view->needed().empty()) {
      std::vector<ReadKey> needed = batch.view->needed();
      bool asked = true;  // every one: then it was answered with something unreadable
      for (const ReadKey& read : needed) asked = asked && batch.reads.contains(read);
      if (!asked) return needed;
      std::string why = "a value in the server is damaged";
      for (const ReadKey& read : needed)
        if (auto it = batch.damaged.find(read); it != batch.damaged.end()) why = it->second;
      clash = Clash{batch.items[batch.next], EIO, "damaged: " + why};
    }
    if (clash) {
      batch.clash = std::move(clash);
      batch.items.resize(batch.next);
      break;
    }
  }
  return std::vector<ReadKey>{};
}

bool BatchRun::gone_with_its_file(SyncBatch& batch, const PendingPtr& item, bool& missing) {
  if (!item->record.nameless) return false;
  const ReadKey read = batch.view->attr_key(model::subject_of(item->record.operation));
  const model::RawValue* answer = batch.values.find(read);
  if (answer) return !answer->exists;
  missing = true;
  static_cast<void>(batch.view->need({read}));
  return false;
}

std::optional<Clash> BatchRun::broken_reliance(SyncBatch& batch, const PendingPtr& item,
                                               bool& missing) {
  const model::OplogRecord& record = item->record;
  for (const model::LockGuard& guard : record.locks)
    if (!batch.locked[{guard.session, guard.key}])
      return Clash{item, 0,
                   fmt::format("it was made under {} and session {} has lost that lock",
                               guard.key, guard.session)};
  // Between the last close and its record an unlink may have been replayed, which then
  // found the file closed and has removed it: what the close wanted is done.
  if (model::kind_of(record.operation) == model::OperationKind::kLastClose) return std::nullopt;
  for (const model::Reliance& reliance : record.relied) {
    if (reliance.expect == Expect::kNothing) continue;
    const model::RawValue* answer = batch.values.find(reliance.read);
    if (!answer) {
      missing = true;
      static_cast<void>(batch.view->need({reliance.read}));
      continue;
    }
    if (!model::still_holds(reliance, *answer)) return Clash{item, 0, why_broken(reliance)};
  }
  return std::nullopt;
}

std::optional<Clash> BatchRun::overwritten(SyncBatch& batch, const PendingPtr& item,
                                           const Terms& terms) {
  const model::Ino ino = model::content_of(item->record.operation);
  if (ino == 0 || item->record.base_mtime == Timestamp{}) return std::nullopt;
  const model::RawValue* stored = batch.values.find(batch.view->attr_key(ino));
  if (!stored || !stored->exists) return std::nullopt;
  const auto attr = model::decode_attr(stored->bytes);
  if (!attr || attr->mtime == item->record.base_mtime) return std::nullopt;
  if (terms.content == config::ContentConflict::kJournal)
    return Clash{item, 0, fmt::format("inode {} was changed by another client meanwhile", ino)};
  overwrites_.fetch_add(1, std::memory_order_relaxed);
  log_.warn("inode {}: {} of record {} is applied over another client's change", ino,
            model::name_of(model::kind_of(item->record.operation)), item->record.seq);
  return std::nullopt;
}

std::optional<Clash> BatchRun::copied_otherwise(const model::OperationReply& reply,
                                                const PendingPtr& item, const Terms& terms) {
  const auto* copied = std::get_if<model::CopyRangeReply>(&reply);
  if (!copied || copied->pieces == item->record.copied) return std::nullopt;
  const model::Ino from = std::get<model::CopyRangeArgs>(item->record.operation).from;
  if (terms.content == config::ContentConflict::kJournal)
    return Clash{item, 0, fmt::format("what it copied from inode {} is not there any more", from)};
  overwrites_.fetch_add(1, std::memory_order_relaxed);
  log_.warn("record {}: another client has merged or changed what was copied from inode {}: what "
            "is there now is copied", item->record.seq, from);
  return std::nullopt;
}

Result<std::optional<Clash>> BatchRun::one(SyncBatch& batch, const PendingPtr& item,
                                           const Terms& terms) {
  bool missing = false;
  if (gone_with_its_file(batch, item, missing)) {
    // The removal was sent after the last close: nobody has missed what was written between.
    // No list will ever name its slice, so that the count alone tells a later sweep of it.
    Mutations& changes = batch.mutations.emplace_back();
    if (const auto* write = std::get_if<model::WriteSliceArgs>(&item->record.operation))
      model::release(keys_, write->slice, changes);
    return std::optional<Clash>();
  }
  if (auto clash = broken_reliance(batch, item, missing)) return clash;
  if (missing) return std::optional<Clash>();

  model::Replay replay;
  // As long as no gc can take the node for a leftover the call's own time stays, so that
  // what was shown does not change when it is sent.
  if (terms.at.since(item->record.time) > kLateNs) replay.at = terms.at;
  replay.trash = terms.trash;
  if (!item->record.copied.empty()) replay.copied = &item->record.copied;
  Mutations changes;
  auto reply = model::apply(item->record.operation, *batch.view, changes, &replay);
  if (!reply) {
    const Error& error = reply.error();
    switch (error.fault) {
      case Fault::kMissing: return std::optional<Clash>();
      case Fault::kAnswer:
        return std::optional(Clash{item, error.code, std::string(strerror(error.code))});
      case Fault::kCorrupt:
        return std::optional(Clash{item, EIO, "damaged: " + error.text});
      default: return error;
    }
  }
  if (const auto* made = std::get_if<model::CreateReply>(&*reply); made && made->existed)
    return std::optional(Clash{item, EEXIST, strerror(EEXIST)});
  if (auto clash = copied_otherwise(*reply, item, terms)) return clash;
  // Last, so that it is counted once.
  if (auto clash = overwritten(batch, item, terms)) return clash;
  for (const model::Write& write : changes.writes) batch.values.write(write);
  batch.mutations.push_back(std::move(changes));
  return std::optional<Clash>();
}

}  // namespace fastmeta::engine
