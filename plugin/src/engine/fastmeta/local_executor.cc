// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/local_executor.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "engine/fastmeta/journal_entry.h"
#include "engine/fastmeta/row_writer.h"
#include "engine/fastmeta/settle.h"

namespace fastmeta::engine {

using model::Ino;
using model::Mutations;
using model::Operation;
using model::OperationReply;
using model::ReadKey;
using model::ReadKind;

namespace {

// See Passthrough: a rename of a directory takes a round per ancestor.
constexpr int kRoundsMax = 4200;
// Snapshots that met another writer, and invalidations right behind a fetch.
constexpr int kConflictsMax = 1000;
// Of a program that goes on writing to a file that was undone, whatever it is told.
constexpr size_t kLaterMax = 1000;

// The inodes whose rows the run has looked at or wants to write.
std::vector<Ino> concerned(const model::KeySpace& keys, const LocalView& view,
                           const Mutations& changes) {
  std::set<Ino> inodes;
  auto add = [&](const std::string& key) {
    if (auto parsed = keys.parse(key)) inodes.insert(parsed->ino);
  };
  for (const auto& [read, answer] : view.answered()) add(read.key);
  for (const model::Write& write : changes.writes) add(write.key);
  return {inodes.begin(), inodes.end()};
}

void name_caller(model::OplogRecord& record, const WriteHints& hints) {
  const model::Caller* named = model::caller_of(record.operation);
  const model::Caller& who = named ? *named : hints.who;
  record.uid = who.uid;
  record.gid = who.gid;
  record.pid = who.pid;
}

}  // namespace

Result<void> read_locally(Parts& parts, Mirror& mirror, const model::VolumeFacts& facts,
                          const ReadRule& rule, bool fresh) {
  Fetched fetched;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::vector<ReadKey> needed;
    {
      MDP_TRY(auto transaction, parts.tables.begin());
      LocalView view(facts, parts.keys, parts.open, parts.validity, *transaction, fetched, fresh);
      auto done = rule(view);
      mirror.count(view.counts());
      if (view.failure()) return *view.failure();
      if (done || done.error().fault != Fault::kMissing) return done;
      needed = view.needed();
    }
    MDP_TRY_VOID(mirror.fetch(needed, fetched));
  }
  MDP_CHECK(!"a rule that is never satisfied");
}

Result<void> LocalExecutor::read(const ReadRule& rule, bool fresh) {
  return read_locally(parts_, mirror_, volume_.facts(), rule, fresh);
}

// The operation with the numbers that its files have by now; nothing: the same.
std::optional<Operation> LocalExecutor::renumbered(const Operation& operation) const {
  std::optional<Operation> now;
  if (!parts_.open.any_renumbered()) return now;
  for (Ino ino : model::inodes_of(operation)) {
    const Ino number = parts_.open.number(ino);
    if (number == ino) continue;
    if (!now) now = operation;
    model::renumber(*now, ino, number);
  }
  return now;
}

Result<OperationReply> LocalExecutor::apply(const Operation& operation, const WriteHints& hints) {
  if (auto now = renumbered(operation)) return apply(*now, hints);
  if (const auto conflict = undone_by(operation)) return keep_later(*conflict, operation, hints);
  const bool data = model::kind_of(operation) == model::OperationKind::kWriteSlice;
  // What is refused anyway need not wait for room.
  const bool late = data || model::kind_of(operation) == model::OperationKind::kLastClose;
  const auto may = [&] { return volume_.may_write(late); };
  MDP_TRY_VOID(may());
  MDP_TRY_VOID(parts_.backlog.admit(may));
  MDP_TRY_VOID(parts_.tables.may_write());

  std::vector<Ino> inodes = model::inodes_of(operation);
  Fetched fetched;
  if (const auto* created = std::get_if<model::CreateArgs>(&operation)) {
    // Out of our lease: nobody has ever used the number. That it is so in the server too
    // is part of what the record relies on.
    const Token token = parts_.validity.now();
    fetched.put({ReadKind::kString, parts_.keys.attr(created->ino), {}, true}, {}, token);
    fetched.put({ReadKind::kString, parts_.keys.symlink(created->ino), {}, true}, {}, token);
  }
  int conflicts = 0;
  for (int round = 0; round < kRoundsMax; ++round) {
    if (round > 0) MDP_TRY_VOID(may());
    Run run;
    std::optional<Operation> moved;
    std::optional<uint64_t> conflict;
    Result<OperationReply> reply = Error{Fault::kConflict, EIO, {}};
    {
      Stripes::Held held(parts_.stripes, inodes);
      // Numbers change, and files are undone, under the stripes.
      if (auto now = renumbered(operation)) {
        moved = std::move(now);
      } else if (!(conflict = undone_by(operation))) {
        reply = attempt(operation, hints, fetched, held, run);
      }
    }
    if (moved) return apply(*moved, hints);
    if (conflict) return keep_later(*conflict, operation, hints);
    if (reply) {
      tell_other_numbers(operation);
      if (run.seq != 0 && parts_.config.store.commit == config::CommitLevel::kDisk)
        MDP_TRY_VOID(parts_.tables.sync());
      return reply;
    }
    switch (reply.error().fault) {
      case Fault::kMissing:
        MDP_TRY_VOID(mirror_.fetch(run.needed, fetched));
        break;
      case Fault::kConflict:
        if (++conflicts >= kConflictsMax)
          return Error{Fault::kConflict, EIO, "too many other changes at the same place"};
        // More inodes are concerned than were locked; the union, so that it ends.
        for (Ino ino : run.inodes)
          if (!std::binary_search(inodes.begin(), inodes.end(), ino))
            inodes.insert(std::lower_bound(inodes.begin(), inodes.end(), ino), ino);
        break;
      default:
        return reply;
    }
  }
  MDP_CHECK(!"a rule that is never satisfied");
}

// The conflict that undid the file whose content this is about.
std::optional<uint64_t> LocalExecutor::undone_by(const Operation& operation) const {
  const Ino content = model::content_of(operation);
  return content != 0 ? sacrifices_.gone(content) : std::nullopt;
}

// What is still written through a handle goes to the journal, with the rest of the file.
Error LocalExecutor::keep_later(uint64_t conflict, const Operation& operation,
                                const WriteHints& hints) {
  const auto* slice = std::get_if<model::WriteSliceArgs>(&operation);
  if (!slice) return undone();
  model::OplogRecord record;
  record.time = parts_.clock.now();
  record.operation = operation;
  record.staged = hints.staged;
  name_caller(record, hints);
  const std::string key = store::number_key(conflict);
  size_t later = 0;
  auto kept = Settler::transact(parts_.tables, [&](store::Transaction& rows) -> Result<void> {
    MDP_TRY(auto bytes, rows.get(store::Table::kJournal, key));
    if (!bytes) return {};
    MDP_TRY(JournalEntry entry, decode_entry(*bytes));
    later = entry.later.size() + 1;
    if (later > kLaterMax) return {};
    entry.later.push_back(model::encode_record(record));
    return rows.put(store::Table::kJournal, key, encode_entry(entry));
  });
  if (!kept)
    parts_.log.warn("a later write to the file of conflict {} is not in the journal: {}", conflict,
                    kept.error().text);
  if (later > kLaterMax) return undone();
  if (later == kLaterMax)
    parts_.log.warn("the file of conflict {} is still written: {} later writes are in the journal, "
                    "further ones are not kept", conflict, later);
  static_cast<void>(parts_.host.slice_is_durable(slice->slice.id, slice->slice.size));
  return undone();
}

// The kernel takes a file that has two numbers for two.
void LocalExecutor::tell_other_numbers(const Operation& operation) {
  if (!parts_.open.any_renumbered()) return;
  for (Ino ino : model::inodes_of(operation))
    if (!parts_.open.other_numbers(ino).empty()) {
      parts_.host.attr_changed(ino);
      if (ino == model::content_of(operation)) parts_.host.data_changed(ino);
    }
}

Result<OperationReply> LocalExecutor::attempt(const Operation& operation, const WriteHints& hints,
                                              const Fetched& fetched, const Stripes::Held& held,
                                              Run& run) {
  const model::VolumeFacts facts = volume_.facts();
  MDP_TRY(auto transaction, parts_.tables.begin());
  LocalView view(facts, parts_.keys, parts_.open, parts_.validity, *transaction, fetched, false);
  Mutations changes;
  auto reply = model::apply(operation, view, changes);
  mirror_.count(view.counts());
  if (view.failure()) return *view.failure();
  if (!reply) {
    run.needed = view.needed();
    return reply;
  }
  if (changes.empty()) return reply;
  run.inodes = concerned(parts_.keys, view, changes);
  if (!std::all_of(run.inodes.begin(), run.inodes.end(),
                   [&](Ino ino) { return held.covers(ino); }))
    return Error{Fault::kConflict, EIO, {}};
  MDP_TRY_VOID(commit(*transaction, view, operation, *reply, changes, hints, run));
  return reply;
}

Result<void> LocalExecutor::commit(store::Transaction& transaction, const LocalView& view,
                                   const Operation& operation, const OperationReply& reply,
                                   const Mutations& changes, const WriteHints& hints, Run& run) {
  model::OplogRecord record;
  record.time = parts_.clock.now();
  record.operation = operation;
  for (const auto& [read, answer] : view.answered())
    record.relied.push_back(model::relied_on(parts_.keys, read, answer));
  record.writes = changes.writes;
  record.used_space = changes.used_space;
  record.used_inodes = changes.used_inodes;
  if (const auto before = view.shown(model::content_of(operation)))
    record.base_mtime = before->mtime;
  const auto subject = view.shown(model::subject_of(operation));
  record.nameless = subject && subject->nlink == 0;
  record.staged = hints.staged;
  name_caller(record, hints);
  record.locks = locks_.guards(model::content_of(operation), record.pid, view.facts().session);
  if (const auto* copied = std::get_if<model::CopyRangeReply>(&reply))
    record.copied = copied->pieces;

  const auto* created = std::get_if<model::CreateArgs>(&operation);
  const std::string born = created ? parts_.keys.attr(created->ino) : std::string();
  RowWriter rows(transaction, parts_.keys, parts_.validity);

  std::unique_lock order(order_mutex_);
  record.seq = next_seq_;
  for (const model::Write& write : changes.writes)
    MDP_TRY_VOID(rows.pending(write, record.seq, write.key == born));
  const std::string bytes = model::encode_record(record);
  MDP_TRY_VOID(transaction.put(store::Table::kOplog, store::number_key(record.seq), bytes));
  MDP_TRY_VOID(transaction.commit());
  ++next_seq_;
  // Inside, so that the backlog's numbers come in order too.
  parts_.backlog.added(record.seq, bytes.size(), record.time, record.used_space,
                       record.used_inodes);
  run.seq = record.seq;
  return {};
}

}  // namespace fastmeta::engine
