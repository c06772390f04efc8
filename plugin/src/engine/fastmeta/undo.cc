// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/undo.h"

#include <cerrno>
#include <cstring>

#include "engine/fastmeta/paths.h"
#include "engine/fastmeta/row_writer.h"
#include "engine/fastmeta/stripes.h"
#include "model/key_use.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Ino;
using model::OplogRecord;
using model::ReadKey;
using model::Write;
using store::Table;

namespace {

constexpr int kTriesMax = 1000;
constexpr size_t kNeededMax = 2000;  // reads, of one try
constexpr int64_t kUsesKeptNs = 10'000'000'000;

void concern(const model::KeySpace& keys, const OplogRecord& record, std::set<Ino>& inodes) {
  for (const Write& write : record.writes)
    if (auto parsed = keys.parse(write.key)) inodes.insert(parsed->ino);
  for (const model::Reliance& reliance : record.relied)
    if (auto parsed = keys.parse(reliance.read.key)) inodes.insert(parsed->ino);
}

// The times and links of a folder whose entries change: later records have written them
// too, and the next settling brings what the server has.
bool of_parent(const model::KeySpace& keys, const OplogRecord& record, const Write& write) {
  const auto parsed = keys.parse(write.key);
  if (!parsed || parsed->kind != 'i' || write.op != model::WriteOp::kSet) return false;
  auto named = [&](Ino parent) { return parsed->ino == parent; };
  return std::visit(
      [&](const auto& want) {
        using Want = std::decay_t<decltype(want)>;
        if constexpr (std::is_same_v<Want, model::Unlink> || std::is_same_v<Want, model::Rmdir>)
          return named(want.want.parent);
        else if constexpr (std::is_same_v<Want, model::CreateArgs> ||
                           std::is_same_v<Want, model::LinkArgs>)
          return named(want.parent);
        else if constexpr (std::is_same_v<Want, model::RenameArgs>)
          return named(want.parent) || named(want.new_parent);
        else
          return false;
      },
      record.operation);
}

}  // namespace

struct Undo::Closure {
  Closure(const Clash& why, uint64_t id) : clash(why), first_id(id) {}
  const Clash& clash;
  const uint64_t first_id;
  // Those that are run again or journalled, by number.
  struct Member {
    OplogRecord record;
    std::string bytes;
  };
  std::map<uint64_t, Member> members;
  std::set<Ino> inodes;  // whose stripes are needed

  // Of the last attempt.
  std::vector<ReadKey> needed;
  std::set<std::string> born;  // inodes whose rows know of nothing before they were made here
  struct Entry {
    JournalEntry entry;
    std::set<Ino> files;
    std::set<Ino> folders;
    std::set<Ino> made;
    std::vector<std::pair<uint64_t, uint32_t>> slices;
  };
  std::vector<Entry> journalled;
  std::optional<Adoption> adopted;
  // What members wrote, and write when they are run again: it may be shown otherwise now.
  std::set<Ino> attrs, folders, contents;
  void touch(const model::KeySpace& keys, const OplogRecord& record) {
    for (const Write& write : record.writes) {
      const auto parsed = keys.parse(write.key);
      if (!parsed) continue;
      if (parsed->kind == 'i') attrs.insert(parsed->ino);
      if (parsed->kind == 'd') folders.insert(parsed->ino);
      if (parsed->kind == 'c') contents.insert(parsed->ino);
    }
  }
};

Result<void> Undo::collect(store::Transaction& transaction, Closure& closure) {
  MDP_TRY_VOID(uses_.refresh(transaction));
  PendingUses::Asked asked;
  std::set<uint64_t> found;
  model::KeyUses shared;
  auto spread = [&](const OplogRecord& record) {
    const auto uses = model::key_uses(parts_.keys, record);
    shared.add(uses);
    uses_.collect(uses, asked, found);
  };
  for (const auto& [seq, member] : closure.members) spread(member.record);
  while (!found.empty()) {
    for (const uint64_t seq : std::exchange(found, {})) {
      if (closure.members.contains(seq)) continue;
      MDP_TRY(auto bytes, transaction.get(Table::kOplog, store::number_key(seq)));
      if (!bytes) continue;
      MDP_TRY(OplogRecord record, model::decode_record(*bytes));
      if (!shared.shared_by(model::key_uses(parts_.keys, record))) continue;
      concern(parts_.keys, record, closure.inodes);
      spread(record);
      closure.members.emplace(seq, Closure::Member{std::move(record), std::move(*bytes)});
    }
  }
  return {};
}

void Undo::journal(Closure& closure, store::Transaction& transaction, const OplogRecord& record,
                   const std::string& bytes, int error, const std::string& reason) {
  Closure::Entry one;
  JournalEntry& entry = one.entry;
  entry.id = closure.first_id + closure.journalled.size();
  entry.seq = record.seq;
  entry.time = parts_.clock.now();
  entry.error = error;
  entry.reason = reason;
  entry.caused_by = closure.journalled.empty() ? 0 : closure.first_id;
  entry.path_then = path_of(transaction, parts_.keys, record.operation);
  entry.record = bytes;
  RowWriter rows(transaction, parts_.keys, parts_.validity);
  for (const Write& write : record.writes) {
    const auto parsed = parts_.keys.parse(write.key);
    if (!parsed) continue;
    const bool field = parsed->kind == 'd' || parsed->kind == 'x' || parsed->kind == 'p';
    const std::string name = field ? row_key(write.key, write.field) : row_key(write.key);
    auto row = rows.load(name);
    JournalEntry::UndoRow undo{name, std::nullopt};
    if (row && row->base == Row::Base::kPresent) undo.server = row->base_value;
    entry.undo.push_back(std::move(undo));
  }
  const auto* created = std::get_if<model::CreateArgs>(&record.operation);
  if (created) one.made.insert(created->ino);
  if (const Ino content = model::content_of(record.operation)) one.files.insert(content);
  for (const Write& write : record.writes) {
    const auto parsed = parts_.keys.parse(write.key);
    if (!parsed) continue;
    (parsed->kind == 'd' ? one.folders : one.files).insert(parsed->ino);
  }
  if (const auto* slice = std::get_if<model::WriteSliceArgs>(&record.operation);
      slice && slice->slice.id != 0)
    one.slices.emplace_back(slice->slice.id, slice->slice.size);
  closure.journalled.push_back(std::move(one));
}

// What is pending over the rows of members.
Result<void> Undo::drop(store::Transaction& transaction, Closure& closure) {
  std::map<std::string, uint64_t> folders;  // by the newest record that stays, 0: none
  for (const auto& [seq, member] : closure.members)
    for (const Write& write : member.record.writes)
      if (of_parent(parts_.keys, member.record, write)) folders.try_emplace(write.key);
  if (!folders.empty())
    MDP_TRY_VOID(transaction.scan(Table::kOplog, {}, [&](std::string_view key, auto bytes) {
      const auto seq = store::key_number(key);
      const auto record = model::decode_record(bytes);
      if (!seq || !record || closure.members.contains(*seq)) return true;
      for (const Write& write : record->writes)
        if (auto it = folders.find(write.key); it != folders.end()) it->second = *seq;
      return true;
    }));
  RowWriter rows(transaction, parts_.keys, parts_.validity);
  for (const auto& [seq, member] : closure.members)
    for (const Write& write : member.record.writes) {
      const auto parsed = parts_.keys.parse(write.key);
      if (!parsed) continue;
      if (parsed->kind == 'i') {
        MDP_TRY(Row row, rows.load(row_key(write.key)));
        const bool shared = of_parent(parts_.keys, member.record, write);
        const uint64_t stays = shared ? folders[write.key] : 0;
        if (stays != 0 && row.local != Row::Local::kNone) {
          row.last_seq = stays;
          MDP_TRY_VOID(rows.save(row_key(write.key), row));
          continue;
        }
        if (row.born) closure.born.insert(write.key);
      }
      MDP_TRY_VOID(rows.drop_pending(write));
    }
  return {};
}

Result<void> Undo::attempt(Closure& closure, const model::VolumeFacts& facts,
                           const Fetched& fetched) {
  const std::vector<Ino> locked(closure.inodes.begin(), closure.inodes.end());
  Stripes::Held held(parts_.stripes, locked);
  MDP_TRY(auto transaction, parts_.tables.begin());
  const size_t before = closure.members.size();
  MDP_TRY_VOID(collect(*transaction, closure));
  // Records that came meanwhile: their stripes are needed as well.
  if (closure.members.size() != before) return Error{Fault::kConflict, EIO, {}};
  closure.journalled.clear();
  closure.needed.clear();
  closure.born.clear();
  for (const auto& [seq, member] : closure.members) closure.touch(parts_.keys, member.record);

  RowWriter rows(*transaction, parts_.keys, parts_.validity);
  // Described while the local names are still as they were acknowledged.
  const Closure::Member& first = closure.members.at(closure.clash.item->record.seq);
  journal(closure, *transaction, first.record, first.bytes, closure.clash.error,
          closure.clash.reason);
  std::map<uint64_t, std::string> paths;
  for (const auto& [seq, member] : closure.members)
    paths[seq] = path_of(*transaction, parts_.keys, member.record.operation);
  MDP_TRY_VOID(drop(*transaction, closure));
  const uint64_t clash_seq = closure.clash.item->record.seq;
  {
    // Asked anew: the batch may have seen the other's file before the push that tells of it.
    LocalView view(facts, parts_.keys, parts_.open, parts_.validity, *transaction, fetched, true);
    auto adopted = find_adoption(view, first.record.operation);
    if (view.failure()) return *view.failure();
    if (!adopted) {
      closure.needed = view.needed();
      return std::move(adopted).error();
    }
    closure.adopted = std::move(*adopted);
  }
  std::optional<OpenTable::Expected> expected;
  if (closure.adopted) {
    expected.emplace(parts_.open, closure.adopted->ours, closure.adopted->theirs);
    closure.journalled.clear();
  }
  for (auto& [seq, member] : closure.members) {
    if (seq == clash_seq && !closure.adopted) continue;
    OplogRecord record = member.record;
    if (closure.adopted) {
      if (seq == clash_seq) {
        if (!closure.adopted->first) {
          MDP_TRY_VOID(transaction->erase(Table::kOplog, store::number_key(seq)));
          continue;
        }
        record.operation = *closure.adopted->first;
        record.relied.clear();  // that there is no such file
      }
      model::renumber(parts_.keys, record, closure.adopted->ours, closure.adopted->theirs);
    }
    if (closure.needed.size() > kNeededMax) break;
    MDP_TRY(const Verdict verdict, run_again(closure, *transaction, facts, fetched, record));
    if (verdict.missing) continue;  // the rest may need something, too
    closure.touch(parts_.keys, record);
    const auto uses = model::key_uses(parts_.keys, record);
    if (uses != model::key_uses(parts_.keys, member.record)) uses_.add(seq, uses);
    if (verdict.broken) {
      journal(closure, *transaction, record, member.bytes, verdict.error, *verdict.broken);
      closure.journalled.back().entry.path_then = paths[seq];
    }
  }
  if (!closure.needed.empty()) return Error{Fault::kMissing, EAGAIN, {}};

  Progress after = progress_;
  for (Closure::Entry& one : closure.journalled) {
    const std::string key = store::number_key(one.entry.seq);
    one.entry.path_now =
        path_now(*transaction, parts_.keys, parts_.validity,
                 closure.members.at(one.entry.seq).record.operation);
    MDP_TRY_VOID(transaction->put(Table::kJournal, store::number_key(one.entry.id),
                                  encode_entry(one.entry)));
    MDP_TRY_VOID(transaction->erase(Table::kOplog, key));
    after.highest_seq = std::max(after.highest_seq, one.entry.seq);
  }
  after.next_conflict = closure.first_id + closure.journalled.size();
  if (closure.adopted) after.highest_seq = std::max(after.highest_seq, clash_seq);
  MDP_TRY_VOID(save(*transaction, after));
  MDP_TRY_VOID(transaction->commit());
  progress_ = after;
  // Under the stripes: whoever waits for them with the old number asks for it again, and whoever
  // waits to change a file is told that it was undone.
  if (closure.adopted)
    parts_.open.renumbered(closure.adopted->ours, closure.adopted->theirs);
  for (const Closure::Entry& one : closure.journalled) {
    for (Ino ino : one.files) sacrifices_.add(ino, one.entry.id, one.made.contains(ino));
    for (Ino ino : one.folders) sacrifices_.add(ino, one.entry.id, false);
  }
  return {};
}

Result<Undo::Verdict> Undo::run_again(Closure& closure, store::Transaction& transaction,
                                      const model::VolumeFacts& facts, const Fetched& fetched,
                                      OplogRecord& record) {
  LocalView view(facts, parts_.keys, parts_.open, parts_.validity, transaction, fetched, false);
  // What it relied on comes first: a name that is another's now is a conflict even if
  // the rule would take it.
  Verdict verdict;
  bool gone = false;
  if (record.nameless) {
    auto attr = view.raw(view.attr_key(model::subject_of(record.operation)));
    verdict.missing = !attr && attr.error().fault == Fault::kMissing;
    gone = attr && !attr->exists;
  }
  // As in the batch: what is done to a file after its removal, and its close, went with it.
  const bool lenient =
      gone || model::kind_of(record.operation) == model::OperationKind::kLastClose;
  for (const model::Reliance& reliance : record.relied) {
    if (lenient || reliance.expect == model::Reliance::Expect::kNothing) continue;
    auto answer = view.raw(reliance.read);
    if (view.failure()) return *view.failure();
    if (!answer && answer.error().fault == Fault::kMissing)
      verdict.missing = true;
    else if (!answer || !model::still_holds(reliance, *answer))
      verdict.broken = "what it relied on was undone: " + reliance.read.key;
  }
  auto miss = [&] {
    verdict.missing = true;
    closure.needed.insert(closure.needed.end(), view.needed().begin(), view.needed().end());
    return verdict;
  };
  if (verdict.missing) return miss();
  if (verdict.broken) return verdict;
  model::Mutations changes;
  auto reply = gone ? Result<model::OperationReply>(model::OperationReply{})
                    : model::apply(record.operation, view, changes);
  if (view.failure()) return *view.failure();
  if (!reply && reply.error().fault == Fault::kMissing) return miss();
  const auto* made = reply ? std::get_if<model::CreateReply>(&*reply) : nullptr;
  if (!reply || (made && made->existed)) {
    verdict.error = reply ? EEXIST : reply.error().code;
    verdict.broken =
        std::string("it depended on what was undone: ") + std::strerror(verdict.error);
    return verdict;
  }
  record.writes = changes.writes;
  record.used_space = changes.used_space;
  record.used_inodes = changes.used_inodes;
  record.relied.clear();
  for (const auto& [read, answer] : view.answered())
    record.relied.push_back(model::relied_on(parts_.keys, read, answer));
  if (const auto* copied = std::get_if<model::CopyRangeReply>(&*reply))
    record.copied = copied->pieces;
  if (closure.adopted && model::content_of(record.operation) == closure.adopted->theirs)
    record.base_mtime = view.shown(closure.adopted->theirs).value_or(model::Attr{}).mtime;
  const auto* created = std::get_if<model::CreateArgs>(&record.operation);
  std::string born = created ? parts_.keys.attr(created->ino) : std::string();
  // What is offered again has rows of before.
  if (!closure.born.contains(born)) born.clear();
  RowWriter rows(transaction, parts_.keys, parts_.validity);
  for (const Write& write : record.writes)
    MDP_TRY_VOID(rows.pending(write, record.seq, write.key == born));
  MDP_TRY_VOID(transaction.put(Table::kOplog, store::number_key(record.seq),
                               model::encode_record(record)));
  return verdict;
}

void Undo::tell(Closure& closure) {
  if (closure.adopted) {
    const auto& create = std::get<model::CreateArgs>(closure.clash.item->record.operation);
    parts_.log.info("{} of inode {} was created by another client first: it is used instead of "
                    "inode {}", quote(create.name), create.parent, closure.adopted->ours);
    closure.folders.insert(create.parent);
    closure.attrs.insert({create.parent, closure.adopted->theirs});
    closure.contents.insert(closure.adopted->theirs);
  }
  for (const Closure::Entry& one : closure.journalled) {
    const JournalEntry& entry = one.entry;
    const auto* record = &closure.members.at(entry.seq).record;
    parts_.log.error("conflict {}: {} of {} was undone: {}; see 'fastmeta conflicts show {}'",
                     entry.id, model::name_of(model::kind_of(record->operation)),
                     quote(entry.path_then), entry.reason, entry.id);
    for (Ino ino : one.files) {
      closure.attrs.insert(ino);
      closure.contents.insert(ino);
    }
    for (Ino ino : one.folders) {
      closure.folders.insert(ino);
      closure.attrs.insert(ino);
    }
    // From now on the slice keeper asks for it.
    for (const auto& [id, size] : one.slices)
      static_cast<void>(parts_.host.slice_is_durable(id, size));
  }
  for (Ino ino : closure.attrs) parts_.host.attr_changed(ino);
  for (Ino ino : closure.folders) parts_.host.names_changed(ino);
  for (Ino ino : closure.contents) parts_.host.data_changed(ino);
}

void Undo::rest(Timestamp now) {
  if (!uses_.empty() && now.since(last_) > kUsesKeptNs) uses_.clear();
}

Result<Undo::Done> Undo::undo(const Clash& clash, const model::VolumeFacts& facts) {
  last_ = parts_.clock.even();
  Closure closure(clash, progress_.next_conflict);
  const OplogRecord& record = clash.item->record;
  closure.members.emplace(record.seq, Closure::Member{record, clash.item->bytes});
  // From the first on: also older records may share its rows, when its data is lost while
  // theirs is still awaited. They are run again like the rest.
  concern(parts_.keys, record, closure.inodes);
  Fetched fetched;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    auto done = attempt(closure, facts, fetched);
    if (done) {
      tell(closure);
      Done result;
      for (const Closure::Entry& one : closure.journalled) result.gone.push_back(one.entry.seq);
      result.conflicts = result.gone.size();
      if (closure.adopted && !closure.adopted->first) result.gone.push_back(record.seq);
      for (uint64_t seq : result.gone) {
        parts_.backlog.removed(seq);
        closure.members.erase(seq);
      }
      for (const auto& [seq, member] : closure.members) result.run_again.push_back(seq);
      result.adopted = closure.adopted;
      return result;
    }
    if (done.error().fault == Fault::kMissing)
      MDP_TRY_VOID(mirror_.fetch(closure.needed, fetched));
    else if (done.error().fault != Fault::kConflict)
      return std::move(done).error();
  }
  return Error{Fault::kLocalStore, EIO, "a conflict could not be undone: rows keep changing"};
}

}  // namespace fastmeta::engine
