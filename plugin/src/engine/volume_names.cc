// SPDX-License-Identifier: GPL-3.0-or-later
// Operations on names and directories.
#include <algorithm>
#include <cerrno>

#include "engine/lock_grant.h"
#include "engine/passthrough/scan_reader.h"
#include "engine/volume.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Attr;
using model::Caller;
using model::Ino;
using model::Mutations;
using model::ReadKey;
using model::ReadKind;
using model::View;

namespace {

constexpr int kIdTries = 8;

// An entry whose inode is missing is answered with nothing but its type.
bool broken(const Attr& attr) { return attr.perm == 0 && attr.nlink == 0 && attr.ctime.sec == 0; }

// What the caller would want of a file that another client has put there first.
uint8_t open_for(const model::OpenArgs& how) {
  return static_cast<uint8_t>(
      model::kOpenThere | (how.read ? model::kOpenRead : 0) | (how.write ? model::kOpenWrite : 0) |
      (how.append ? model::kOpenAppend : 0) | (how.truncate ? model::kOpenTruncate : 0));
}

}  // namespace

ReadKey Volume::attr_read(Ino ino) const { return {ReadKind::kString, keys_.attr(ino), {}, true}; }

EntryReply Volume::entry(Ino ino, Attr attr) const {
  return {ino, std::move(attr), entry_valid(), attr_valid()};
}

// What the cache knows saves a round trip of the transaction: the attributes
// behind a name can be asked for together with the name.
void Volume::hint_name(WriteHints& hints, Ino parent, const std::string& name) {
  if (fast()) return;
  auto cached = cache_->find({ReadKind::kField, keys_.dir(parent), name, true});
  if (!cached || !cached->exists) return;
  if (auto dentry = model::decode_dentry(cached->bytes)) {
    hints.reads.push_back(attr_read(dentry->ino));
    hints.reads.push_back({ReadKind::kHashCount, keys_.xattrs(dentry->ino), {}, true});
    if (dentry->type == model::FileType::kDirectory)
      hints.reads.push_back({ReadKind::kHashCount, keys_.dir(dentry->ino), {}, true});
  }
}

void Volume::hint_ancestors(WriteHints& hints, Ino dir) {
  for (int depth = 0; !fast() && depth < model::kAncestorsMax && dir > model::kRootIno; ++depth) {
    auto cached = cache_->find(attr_read(dir));
    if (!cached || !cached->exists) return;
    auto attr = model::decode_attr(cached->bytes);
    if (!attr || attr->parent == dir || attr->parent == 0) return;
    dir = attr->parent;
    hints.reads.push_back(attr_read(dir));
  }
}

Result<model::OperationReply> Volume::apply(const model::Operation& operation,
                                            const WriteHints& hints,
                                            std::initializer_list<Name> names) {
  const bool remote = fast() && std::any_of(names.begin(), names.end(), [&](const Name& one) {
                        return model::is_trash(one.parent) ||
                               fast_->exclusive(one.parent, one.name);
                      });
  if (!remote) return executor_->apply(operation, hints);
  MDP_TRY_VOID(health_.may_write());
  if (!fast_->drained(client_->deadline(), [&] { return !health_.may_write(); }))
    return Error{Fault::kAnswer, EIO,
                 "a name of exclusive.remote or of the trash has to wait for earlier changes, "
                 "which could not be sent in time"};
  auto done = server_->apply(operation, hints);
  const bool gives_up = std::holds_alternative<model::Unlink>(operation) ||
                        std::holds_alternative<model::Rmdir>(operation);
  if (!done || gives_up) return done;
  // It may have been another client's until a moment ago (I8). The kernel has to hear of what that
  // one did too, but cannot be waited for: it keeps others out of the directory until we answer.
  // The name is ours even if nobody can tell us more.
  if (!await_news(*client_)) {
    fast_->flushed();
    host_.all_changed();
  }
  return done;
}

model::SpaceReply Volume::statfs() const { return model::statfs(facts()); }

Result<EntryReply> Volume::lookup(Ino parent, std::string name) {
  const model::LookupArgs want{parent, std::move(name)};
  auto rule = [&](const View& seen) { return model::lookup(seen, want); };
  auto found = executor_->read_reply<model::Found>(rule);
  if (found && broken(found->attr)) {
    // The entry and its inode were not of one moment.
    found = executor_->read_reply<model::Found>(rule, true);
  }
  if (found) return entry(found->ino, std::move(found->attr));
  if (found.error().fault != Fault::kAnswer || found.error().code != ENOENT || !remembers())
    return std::move(found).error();
  EntryReply absent;
  absent.entry_valid = entry_valid(false);
  return absent;
}

Result<EntryReply> Volume::make(const NewNode& node) {
  MDP_TRY(Opened made, create(node, true, std::nullopt));
  return std::move(made.entry);
}

Result<Volume::Opened> Volume::create(const NewNode& node, bool exclusive,
                                      const std::optional<model::OpenArgs>& how) {
  model::CreateArgs want;
  want.who = node.who;
  want.parent = node.parent;
  want.name = node.name;
  want.type = node.type;
  want.mode = node.mode;
  want.rdev = node.rdev;
  want.target = node.target;
  if (fast()) MDP_TRY_VOID(health_.may_write());  // before a number is spent
  for (int tries = 0; tries < kIdTries; ++tries) {
    MDP_TRY(want.ino, inodes_->next());
    want.now = clock_.now();
    WriteHints hints;
    hints.turn = node.parent;
    hints.reads.push_back(attr_read(want.ino));
    // Known to be empty, it answers for the names that will be made in it.
    if (!fast() && node.type == model::FileType::kDirectory)
      hints.reads.push_back({ReadKind::kHashCount, keys_.dir(want.ino), {}, true});
    if (how) open_.opened(want.ino);
    if (how && !exclusive) want.open_for = open_for(*how);
    auto applied = apply(want, hints, {{want.parent, want.name}});
    Result<model::CreateReply> reply =
        applied ? Result<model::CreateReply>(std::get<model::CreateReply>(*std::move(applied)))
                : Result<model::CreateReply>(std::move(applied).error());
    if (how && (!reply || reply->existed)) open_.closed(want.ino);
    if (!reply && reply.error().code == ENOTUNIQ) {
      // A server that went back has given our number to another client as well.
      log_.error("{}; the number is skipped", reply.error().text);
      continue;
    }
    if (!reply) return std::move(reply).error();
    if (!reply->existed) {
      if (how) open_.remember(reply->ino, reply->attr);
      return Opened{entry(reply->ino, std::move(reply->attr)), true};
    }
    if (exclusive || !how || node.type != model::FileType::kFile || !reply->attr.is_file())
      return Error::answer(EEXIST);
    model::OpenArgs existing = *how;
    existing.ino = reply->ino;
    MDP_TRY(Attr attr, open_file(existing));
    return Opened{entry(reply->ino, std::move(attr)), false};
  }
  return Error{Fault::kCorrupt, EIO, "every leased inode number is in use already"};
}

Result<EntryReply> Volume::link(Caller who, Ino ino, Ino parent, std::string name) {
  const model::LinkArgs want{who, clock_.now(), ino, parent, std::move(name)};
  WriteHints hints;
  hints.turn = parent;
  MDP_TRY(auto reply, apply(want, hints, {{parent, want.name}}));
  auto linked = std::get<model::Found>(std::move(reply));
  open_.remember(linked.ino, linked.attr);
  return entry(linked.ino, std::move(linked.attr));
}

Result<Ino> Volume::trash_for(Ino parent) {
  if (!facts_.now().trash || model::is_trash(parent)) return Ino{0};
  // Locally any hour will do: the hour that counts is that of the reintegration.
  if (const Ino last = fast() ? trash_hour_->last() : 0; last != 0) return last;
  MDP_TRY_VOID(health_.may_write());
  return current_trash();
}

Result<Ino> Volume::current_trash() {
  return facts_.now().trash ? trash_hour_->current(*server_) : Result<Ino>(Ino{0});
}

void Volume::settle_fate(Ino ino, model::Fate fate, const Attr& attr) {
  if (fate == model::Fate::kNone) return;
  open_.remember(ino, attr);
  if (fate == model::Fate::kSustained && !open_.sustain(ino))
    static_cast<void>(remove_sustained(ino));
}

// The kernel knows of the name that went, not of the one that came.
void Volume::trashed(model::Fate fate, Ino hour) {
  if (fast() && fate == model::Fate::kTrashed) host_.names_changed(hour);
}

Result<void> Volume::lose_name(Caller who, Ino parent, std::string name, bool directory) {
  model::UnlinkArgs want{who, clock_.now(), parent, std::move(name), 0};
  MDP_TRY(want.trash, trash_for(parent));
  WriteHints hints;
  hints.turn = parent;
  hint_name(hints, parent, want.name);
  const model::Operation operation = directory ? model::Operation(model::Rmdir{want})
                                               : model::Operation(model::Unlink{want});
  MDP_TRY(auto reply, apply(operation, hints, {{parent, want.name}}));
  const auto lost = std::get<model::UnlinkReply>(std::move(reply));
  trashed(lost.fate, want.trash);
  settle_fate(lost.ino, lost.fate, lost.attr);
  return {};
}

Result<void> Volume::unlink(Caller who, Ino parent, std::string name) {
  return lose_name(who, parent, std::move(name), false);
}

Result<void> Volume::rmdir(Caller who, Ino parent, std::string name) {
  return lose_name(who, parent, std::move(name), true);
}

Result<void> Volume::rename(Caller who, Ino parent, std::string name, Ino new_parent,
                            std::string new_name, uint32_t flags) {
  model::RenameArgs want;
  want.who = who;
  want.now = clock_.now();
  want.parent = parent;
  want.name = std::move(name);
  want.new_parent = new_parent;
  want.new_name = std::move(new_name);
  want.flags = flags;
  MDP_TRY(want.trash, trash_for(new_parent));
  WriteHints hints;
  hints.turn = new_parent;
  hint_name(hints, parent, want.name);
  hint_name(hints, new_parent, want.new_name);
  if (parent != new_parent) hint_ancestors(hints, new_parent);
  MDP_TRY(auto reply, apply(want, hints, {{parent, want.name}, {new_parent, want.new_name}}));
  const auto moved = std::get<model::RenameReply>(std::move(reply));
  open_.remember(moved.ino, moved.attr);
  trashed(moved.other_fate, want.trash);
  if (moved.other_fate == model::Fate::kSustained) {
    if (auto last = open_.remembered(moved.other)) {
      last->nlink = 0;
      open_.remember(moved.other, *last);
    }
    if (!open_.sustain(moved.other)) static_cast<void>(remove_sustained(moved.other));
  }
  return {};
}

Result<std::string> Volume::readlink(Ino ino) {
  return executor_->read_reply<std::string>(
      [&](const View& seen) { return model::readlink(seen, ino); });
}

Result<std::unique_ptr<DirReader>> Volume::opendir(Ino ino) {
  MDP_TRY(auto attr, getattr(ino));
  if (!attr.attr.is_dir()) return Error::answer(ENOTDIR);
  if (fast()) return fast_->opendir(ino);
  return std::unique_ptr<DirReader>(std::make_unique<ScanReader>(
      *client_, keys_, *cache_, log_, ino, config_.cache.listing_max));
}

}  // namespace fastmeta::engine
