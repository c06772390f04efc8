// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/user.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "model/schema/codec.h"
#include "sim/checks.h"
#include "sim/trash.h"
#include "support/store_view.h"
#include "util/bytes.h"

namespace fastmeta::sim {

using model::FileType;
using model::Ino;
using model::Operation;
using model::OperationReply;

namespace {

constexpr size_t kNodesMax = 30;
constexpr uint64_t kCrowdNames = 6;
constexpr Time kStagedMost = 300 * kMillisecond, kSlowMost = 2 * kSecond;
constexpr uint64_t kTrashOneIn = 7;  // operations
constexpr uint64_t kSlowOneIn = 20, kLostOneIn = 15;  // uploads
constexpr model::Caller kWho{0, 0, 022};

model::RenameArgs move_args(Timestamp now, Ino parent, std::string name, Ino new_parent,
                            std::string new_name) {
  model::RenameArgs want;
  want.who = kWho;
  want.now = now;
  want.parent = parent;
  want.name = std::move(name);
  want.new_parent = new_parent;
  want.new_name = std::move(new_name);
  return want;
}

model::SetattrArgs change(Timestamp now, Ino ino) {
  model::SetattrArgs want;
  want.who = kWho;
  want.now = now;
  want.ino = ino;
  return want;
}

std::string describe(const Operation& operation) {
  std::string inodes;
  for (Ino ino : model::inodes_of(operation)) inodes += fmt::format(" {}", ino);
  std::string name;
  std::visit(
      [&](const auto& want) {
        if constexpr (requires { want.new_name; })
          name = want.name + " -> " + want.new_name;
        else if constexpr (requires { want.want.name; })
          name = want.want.name;
        else if constexpr (requires { want.name; })
          name = want.name;
      },
      operation);
  return fmt::format("{}{} {}", model::name_of(model::kind_of(operation)), inodes, name);
}

}  // namespace

User::User(Scheduler& scheduler, test::Dice& dice, SimMount& mount, std::string prefix,
           Terms terms, const test::MemoryStore& world, const Slices& slices, Findings& findings,
           std::function<void(std::string)> log)
    : scheduler_(scheduler),
      dice_(dice),
      mount_(mount),
      prefix_(std::move(prefix)),
      terms_(std::move(terms)),
      slices_(slices),
      findings_(findings),
      log_(std::move(log)),
      clock_(scheduler),
      reference_(world) {
  facts_ = terms_.facts;
  facts_.session = 1;
  if (facts_.trash)
    reference_.values()[keys_.attr(kOnlyHour)] =
        model::encode_attr(trash_folder(model::kTrashIno));
}

std::string User::fresh_name() { return prefix_ + std::to_string(names_++); }

Ino User::any_folder() {
  std::vector<Ino> folders = terms_.folders;
  for (const Node& node : nodes_)
    if (node.type == FileType::kDirectory) folders.push_back(node.ino);
  return dice_.pick(folders);
}

const User::Node* User::any(bool folder) {
  std::vector<const Node*> found;
  for (const Node& node : nodes_)
    if ((node.type == FileType::kDirectory) == folder) found.push_back(&node);
  return found.empty() ? nullptr : dice_.pick(found);
}

Operation User::next() {
  const Timestamp now = clock_.now();
  const Node* file = any(false);
  const Node* folder = any(true);
  const uint64_t what = dice_.below(100);
  // An open file may have lost its name.
  const Ino written = !handles_.empty() && dice_.one_in(4) ? dice_.pick(handles_)
                      : file                               ? file->ino
                                                           : 0;
  auto create = [&](FileType type) -> Operation {
    model::CreateArgs want;
    want.who = kWho;
    want.now = now;
    want.parent = any_folder();
    want.name = fresh_name();
    want.type = type;
    want.mode = 0755;
    if (type == FileType::kSymlink) want.target = "target of " + want.name;
    if (type == FileType::kFile && dice_.one_in(2))
      want.open_for = model::kOpenThere | model::kOpenRead | model::kOpenWrite;
    if (auto ino = mount_.new_inode()) want.ino = *ino;
    return want;
  };
  if (!file || nodes_.size() < 4) return create(FileType::kFile);
  if (nodes_.size() < kNodesMax) {
    if (what < 20) return create(FileType::kFile);
    if (what < 26) return create(FileType::kDirectory);
    if (what < 28) return create(FileType::kSymlink);
    if (what < 32) return model::LinkArgs{kWho, now, file->ino, any_folder(), fresh_name()};
  }
  if (what < 44) return model::Unlink{{kWho, now, file->parent, file->name, 0}};
  if (what < 48 && folder) return model::Rmdir{{kWho, now, folder->parent, folder->name, 0}};
  if (what < 62) {
    const Node* from = folder && dice_.one_in(3) ? folder : file;
    model::RenameArgs want = move_args(now, from->parent, from->name, any_folder(), fresh_name());
    if (const Node* other = any(dice_.one_in(4)); other && dice_.one_in(3)) {
      want.new_parent = other->parent;
      want.new_name = other->name;
      if (dice_.one_in(3)) want.flags = model::kRenameExchange;
    }
    return want;
  }
  if (what < 72) {
    model::SetattrArgs want = change(now, folder && dice_.one_in(4) ? folder->ino : written);
    if (dice_.one_in(2)) want.mode = static_cast<uint16_t>(dice_.below(01000));
    if (dice_.one_in(3)) want.uid = static_cast<uint32_t>(dice_.below(3));
    if (dice_.one_in(3)) want.mtime = Timestamp{static_cast<int64_t>(dice_.below(1000)), 0};
    return want;
  }
  if (what < 76) {
    model::SetXattrArgs want;
    want.ino = written;
    want.name = fmt::format("user.{}", dice_.below(3));
    want.value = fresh_name();
    return want;
  }
  if (what < 78) return model::RemoveXattrArgs{file->ino, fmt::format("user.{}", dice_.below(3))};
  if (what < 90) {
    model::WriteSliceArgs want;
    want.now = want.mtime = now;
    want.ino = written;
    want.chunk = static_cast<uint32_t>(dice_.below(2));
    const auto size = static_cast<uint32_t>(1 + dice_.below(5000));
    want.slice = {static_cast<uint32_t>(dice_.below(10'000)), 0, size, 0, size};
    if (auto id = mount_.new_slice()) want.slice.id = *id;
    return want;
  }
  if (what < 94) return model::TruncateArgs{kWho, now, written, dice_.below(70'000'000)};
  if (what < 96) return model::FallocateArgs{kWho, now, file->ino, 0, dice_.below(1000), 5000};
  const Node* source = any(false);
  return model::CopyRangeArgs{kWho, now, source->ino, 0, file->ino, dice_.below(3000), 4000, 0};
}

std::optional<Operation> User::from_trash() {
  std::vector<Trashed> found = trashed_of(mount_);
  if (terms_.alone) {
    // Whatever is its own in the reference; others have theirs.
    std::erase_if(found, [&](const Trashed& one) {
      return !reference_.field(keys_.dir(kOnlyHour), one.name);
    });
  }
  if (found.empty()) return std::nullopt;
  const Trashed& one = dice_.pick(found);
  const Timestamp now = clock_.now();
  if (dice_.one_in(3)) {
    const model::UnlinkArgs want{kWho, now, one.hour, one.name, 0};
    return one.entry.type == FileType::kDirectory ? Operation(model::Rmdir{want})
                                                  : Operation(model::Unlink{want});
  }
  return move_args(now, one.hour, one.name,
                   terms_.alone ? any_folder() : dice_.pick(terms_.folders),
                   terms_.alone ? fresh_name() : crowd_name());
}

bool User::collides(const Operation& operation) const {
  const auto taken = [&](Ino parent, const std::string& name) {
    const auto bytes = reference_.field(keys_.dir(parent), name);
    if (!bytes) return false;
    const Ino ino = model::decode_dentry(*bytes)->ino;
    return reference_.field(keys_.dir(kOnlyHour), model::trash_entry_name(parent, ino, name))
        .has_value();
  };
  if (const auto* op = std::get_if<model::Unlink>(&operation))
    return taken(op->want.parent, op->want.name);
  if (const auto* op = std::get_if<model::RenameArgs>(&operation))
    return taken(op->new_parent, op->new_name);
  return false;
}

std::string User::crowd_name() { return fmt::format("n{}", dice_.below(kCrowdNames)); }

Ino User::crowd_find(Ino parent, const std::string& name) {
  auto found = mount_.executor().read_reply<model::Found>(
      [&](const model::View& seen) { return model::lookup(seen, {parent, name}); });
  return found ? found->ino : 0;
}

// One of the shared ones, or one below it, as far as the mount knows.
Ino User::crowd_folder() {
  Ino folder = dice_.pick(terms_.folders);
  for (int depth = 0; depth < 2 && dice_.one_in(2); ++depth) {
    const std::string name = fmt::format("d{}", dice_.below(3));
    if (const Ino below = crowd_find(folder, name)) folder = below;
  }
  return folder;
}

// Whatever may be there: names are found by looking.
Operation User::next_of_crowd() {
  const Timestamp now = clock_.now();
  const Ino parent = crowd_folder();
  const bool folder = dice_.one_in(3);
  const std::string name = folder ? fmt::format("d{}", dice_.below(3)) : crowd_name();
  const Ino there = crowd_find(parent, name);
  const uint64_t what = dice_.below(10);
  if (there == 0 || what == 0) {
    model::CreateArgs want;
    want.who = kWho;
    want.now = now;
    want.parent = parent;
    want.name = name;
    want.type = folder ? FileType::kDirectory : FileType::kFile;
    want.mode = 0755;
    // Of some names only: whoever wants a file that may be there may get another's.
    if (!folder && name.back() % 2 == 0)
      want.open_for = static_cast<uint8_t>(model::kOpenThere | model::kOpenRead |
                                           model::kOpenWrite |
                                           (dice_.one_in(3) ? model::kOpenTruncate : 0));
    if (auto ino = mount_.new_inode()) want.ino = *ino;
    return want;
  }
  if (what < 3) {
    model::UnlinkArgs want{kWho, now, parent, name, 0};
    return folder ? Operation(model::Rmdir{want}) : Operation(model::Unlink{want});
  }
  if (what < 5) {
    model::RenameArgs want = move_args(now, parent, name, crowd_folder(),
                                       folder ? fmt::format("d{}", dice_.below(3)) : crowd_name());
    if (dice_.one_in(4)) want.flags = model::kRenameExchange;
    return want;
  }
  if (what < 6) {
    model::SetattrArgs want = change(now, there);
    want.mode = static_cast<uint16_t>(dice_.below(01000));
    return want;
  }
  if (folder) return model::SetXattrArgs{there, "user.a", fresh_name(), 0};
  if (what < 7)
    return model::LinkArgs{kWho, now, there, crowd_folder(), crowd_name()};
  if (what < 8) return model::TruncateArgs{kWho, now, there, dice_.below(9000)};
  model::WriteSliceArgs want;
  want.now = want.mtime = now;
  want.ino = there;
  want.slice = {static_cast<uint32_t>(dice_.below(5000)), 0, 100, 0, 100};
  if (auto id = mount_.new_slice()) want.slice.id = *id;
  return want;
}

void User::account(const Operation& operation, const OperationReply& reply) {
  const auto* want = std::get_if<model::RenameArgs>(&operation);
  const auto* moved = std::get_if<model::RenameReply>(&reply);
  // Of two names of one file nothing is moved, which the reply does not tell.
  if (moved && want->flags == 0 && crowd_find(want->parent, want->name) == moved->ino)
    terms_.account->unanswered(operation);
  else
    terms_.account->acknowledged(operation, reply);
}

Result<OperationReply> User::on_reference(const Operation& operation, model::Mutations& out) {
  test::StoreView view(reference_, facts_, keys_, open_);
  const Operation there = facts_.trash ? in_only_hour(operation) : operation;
  auto done = test::run_rule(view, [&](const model::View& seen, model::Mutations& changes) {
    return model::apply(there, seen, changes);
  });
  out = std::move(done.out);
  return std::move(done.result);
}

// What the reference then is, and which nodes there are.
void User::follow(const Operation& operation, const OperationReply& reply) {
  if (const auto* want = std::get_if<model::CreateArgs>(&operation)) {
    nodes_.push_back({want->parent, want->name, want->ino, want->type});
    made_.insert(want->ino);
  } else if (const auto* link = std::get_if<model::LinkArgs>(&operation)) {
    for (const Node& node : nodes_)
      if (node.ino == link->ino) {
        nodes_.push_back({link->parent, link->name, link->ino, node.type});
        break;
      }
  } else if (const auto* moved = std::get_if<model::RenameArgs>(&operation)) {
    if (std::get<model::RenameReply>(reply).ino == 0) return;
    auto at = [&](Ino parent, const std::string& name) {
      return std::ranges::find_if(
          nodes_, [&](const Node& n) { return n.parent == parent && n.name == name; });
    };
    if (moved->parent == moved->new_parent && moved->name == moved->new_name) return;
    auto from = at(moved->parent, moved->name);
    auto to = at(moved->new_parent, moved->new_name);
    if (model::is_trash(moved->parent)) {
      const auto& restored = std::get<model::RenameReply>(reply);
      nodes_.push_back({moved->new_parent, moved->new_name, restored.ino, restored.attr.type});
      return;
    }
    if (from == nodes_.end()) return;
    if (to != nodes_.end() && to->ino == from->ino) return;  // two names of one file stay
    if (moved->flags == model::kRenameExchange && to != nodes_.end()) {
      std::swap(from->ino, to->ino);
      std::swap(from->type, to->type);
      return;
    }
    Node node = *from;
    node.parent = moved->new_parent;
    node.name = moved->new_name;
    std::erase_if(nodes_, [&](const Node& n) {
      return (n.parent == moved->parent && n.name == moved->name) ||
             (n.parent == moved->new_parent && n.name == moved->new_name);
    });
    nodes_.push_back(std::move(node));
  } else {
    auto lost = [&](const model::UnlinkArgs& want) {
      std::erase_if(nodes_, [&](const Node& n) {
        return n.parent == want.parent && n.name == want.name;
      });
    };
    if (const auto* op = std::get_if<model::Unlink>(&operation)) lost(op->want);
    if (const auto* op = std::get_if<model::Rmdir>(&operation)) lost(op->want);
  }
}

void User::run(const Operation& operation, bool staged) {
  const auto* create = std::get_if<model::CreateArgs>(&operation);
  const auto* slice = std::get_if<model::WriteSliceArgs>(&operation);
  if (create && create->ino == 0) return;  // no number could be leased
  if (slice && slice->slice.id == 0) return;
  const bool opens = create && create->open_for != 0;
  if (staged && slice) mount_.host().staged.insert(slice->slice.id);
  if (opens) mount_.open().opened(create->ino);
  unanswered_ = operation;
  const uint64_t full = mount_.refusals(ENOSPC), broken = mount_.refusals(EIO);
  auto reply = mount_.apply(operation, staged && slice);
  ++operations_;
  const int code = reply ? 0 : reply.error().code;
  log_(fmt::format("{} {}: {} {}", mount_.name(), prefix_, describe(operation),
                   code == 0 ? "ok" : fmt::format("errno {}: {}", code, reply.error().text)));
  const bool existed = reply && create && std::get<model::CreateReply>(*reply).existed;
  if (opens && (!reply || existed)) {
    mount_.open().closed(create->ino);
  } else if (opens) {
    handles_.push_back(create->ino);
  }
  if (staged && slice && reply) {
    const auto id = slice->slice.id;
    const Time most = dice_.one_in(kSlowOneIn) ? kSlowMost : kStagedMost;
    // Alone nothing may be undone.
    const bool lost = !terms_.alone && dice_.one_in(kLostOneIn);
    scheduler_.at(scheduler_.now() + static_cast<Time>(dice_.below(static_cast<uint64_t>(most))),
                  [&mount = mount_, process = mount_.process(), ino = slice->ino, id, lost] {
                    if (process->dead) return;  // what is left of it was looked after
                    mount.host().staged.erase(id);
                    if (lost)
                      mount.host().lost.insert(id);
                    else
                      mount.slice_durable(ino, id);
                  });
  } else if (staged && slice) {
    mount_.host().staged.erase(slice->slice.id);
  }
  if (!reply && reply.error().fault != Fault::kAnswer) {
    // Not an answer of the rule: nothing was acknowledged.
    const bool link = reply.error().fault == Fault::kDisconnected ||
                      reply.error().fault == Fault::kUnreachable ||
                      reply.error().fault == Fault::kConflict;
    const bool store = reply.error().fault == Fault::kLocalStore &&
                       ((code == ENOSPC && mount_.refusals(ENOSPC) > full) ||
                        (code == EIO && mount_.refusals(EIO) > broken));
    const bool server = terms_.refused && reply.error().fault == Fault::kRefused;
    if (!link && !store && !server)
      findings_.add(fmt::format("{}: {}", describe(operation), reply.error().text));
    // Whether it took effect shows when the store is opened again.
    while (store && code == EIO) scheduler_.sleep(kSecond);
    if (reply.error().fault == Fault::kUnreachable && terms_.alone) look_for(operation);
    if (terms_.account) terms_.account->unanswered(operation);
    unanswered_.reset();
    return;
  }
  if (reply && terms_.account) account(operation, *reply);  // may wait, and die
  unanswered_.reset();
  if (!terms_.alone || code == EROFS) return;
  // Another hour has come before what was removed came to the server.
  if (code == ENOENT && leaves_trash(operation)) return;
  if (opens && reply && !existed) open_.insert(create->ino);
  model::Mutations out;
  auto wanted = on_reference(operation, out);
  const int expected = wanted ? 0 : wanted.error().code;
  if (expected != code) {
    findings_.add(fmt::format("{} on {}: errno {} ({}), not {}", describe(operation),
                              mount_.name(), code, reply ? "" : reply.error().text, expected));
    return;
  }
  if (!wanted) {
    if (opens) open_.erase(create->ino);
    return;
  }
  reference_.apply(out);
  follow(operation, *reply);
}

void User::check_lookup() {
  if (nodes_.empty()) return;
  const Node node = dice_.pick(nodes_);
  // What a server that forgot is asked for before it is told again is not what it held.
  const bool ready = mount_.ready();
  const uint64_t epoch = mount_.redis().epoch();
  auto found = mount_.executor().read_reply<model::Found>(
      [&](const model::View& seen) { return model::lookup(seen, {node.parent, node.name}); });
  if (!ready || !mount_.ready() || mount_.redis().epoch() != epoch) return;
  if (!found && found.error().fault != Fault::kAnswer) return;
  const Ino got = found ? found->ino : 0;
  if (got != node.ino)
    findings_.add(fmt::format("{} of {} on {} is inode {}, not {}", node.name, node.parent,
                              mount_.name(), got, node.ino));
}

void User::work(const std::function<bool()>& stop) {
  while (!stop()) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(terms_.pause))));
    if (!mount_.ready()) continue;
    if (!handles_.empty() && dice_.one_in(6)) {
      const size_t at = dice_.below(handles_.size());
      const Ino ino = handles_[at];
      handles_.erase(handles_.begin() + static_cast<long>(at));
      log_(fmt::format("{} {}: close {}", mount_.name(), prefix_, ino));
      mount_.close(ino, scheduler_);
      closed(ino);
      continue;
    }
    if (terms_.alone && dice_.one_in(5)) {
      check_lookup();
      continue;
    }
    std::optional<Operation> restores;
    if (facts_.trash && terms_.restores && dice_.one_in(kTrashOneIn)) restores = from_trash();
    const Operation operation = restores        ? *restores
                                : terms_.alone ? next()
                                               : next_of_crowd();
    if (facts_.trash && terms_.alone && collides(operation)) continue;
    run(operation, dice_.one_in(3));
  }
}

// The reference's side of it.
void User::closed(Ino ino) {
  open_.erase(ino);
  if (!terms_.alone) return;
  model::Mutations out;
  if (on_reference(model::LastCloseArgs{clock_.now(), ino}, out)) reference_.apply(out);
}

void User::close_all() {
  for (Ino ino : std::exchange(handles_, {})) {
    mount_.close(ino, scheduler_);
    closed(ino);
  }
}

void User::look_after_death() {
  handles_.clear();
  if (unanswered_ && terms_.alone) look_for(*unanswered_);
  if (unanswered_ && terms_.account) terms_.account->unanswered(*unanswered_);
  unanswered_.reset();
  while (!open_.empty()) closed(*open_.begin());
}

namespace {

// A folder's times and links change with its entries, too.
std::string without_side_effects(const std::string& bytes) {
  auto attr = model::decode_attr(bytes);
  if (!attr) return bytes;
  attr->ctime = {};
  put_in_only_hour(*attr);
  if (attr->is_dir()) {
    attr->mtime = {};
    attr->nlink = 0;
  }
  return model::encode_attr(*attr);
}

// Do the attributes tell whether it took effect? A folder's change with its entries, at
// times that are another matter.
bool told_by(const std::string& before, Ino ino, const Operation& operation) {
  if (const auto* create = std::get_if<model::CreateArgs>(&operation)) return ino == create->ino;
  if (std::holds_alternative<model::SetattrArgs>(operation)) return true;
  const auto attr = model::decode_attr(before);
  return !attr || !attr->is_dir();
}

}  // namespace

// Whether an operation without an answer took effect; then the reference follows.
void User::look_for(const Operation& operation) {
  while (!mount_.decided()) scheduler_.sleep(10 * kMillisecond);
  // It took effect if what it would have changed is there.
  model::Mutations out;
  auto wanted = on_reference(operation, out);
  if (wanted && !out.empty()) {
    bool there = false, known = false;
    for (const model::Write& write : out.writes) {
      const auto parsed = keys_.parse(write.key);
      if (!parsed || model::is_trash(parsed->ino)) continue;  // of another hour, perhaps
      if (parsed->kind == 'p' && model::is_trash(parse_decimal<Ino>(write.field).value_or(0)))
        continue;
      const bool field = parsed->kind == 'd' || parsed->kind == 'x' || parsed->kind == 'p';
      const model::ReadKey read{field                 ? model::ReadKind::kField
                                : parsed->kind == 'c' ? model::ReadKind::kList
                                                      : model::ReadKind::kString,
                                write.key, write.field, true};
      const model::RawValue before = reference_.read(read);
      test::MemoryStore after = reference_;
      after.apply(out);
      const model::RawValue now = after.read(read);
      if (parsed->kind == 'i' && before.exists && now.exists &&
          !told_by(before.bytes, parsed->ino, operation))
        continue;
      if (before.exists == now.exists && before.bytes == now.bytes &&
          slices_.shown(before.items) == slices_.shown(now.items))
        continue;
      model::RawValue got;
      for (;;) {
        auto seen = mount_.executor().read_reply<model::RawValue>(
            [&](const model::View& view) { return view.raw(read); });
        // Just after a server has forgotten something, that is what there is to be read.
        if (seen && mount_.ready()) {
          got = std::move(*seen);
          break;
        }
        scheduler_.sleep(10 * kMillisecond);
      }
      const bool as_before =
          without_side_effects(got.bytes) == without_side_effects(before.bytes) &&
          slices_.shown(got.items) == slices_.shown(before.items);
      log_(fmt::format("{} {}: after the death {} {} is {} as before", mount_.name(), prefix_,
                       describe(operation), write.key, as_before ? "still" : "not"));
      there = there || !as_before;
      known = true;
    }
    if (known && there) {
      reference_.apply(out);
      follow(operation, *wanted);
    }
  }
}

namespace {

// What two stores must agree on: times of the server's own are another matter.
std::string without_times(const std::string& bytes) {
  auto attr = model::decode_attr(bytes);
  if (!attr) return bytes;
  attr->atime = attr->mtime = attr->ctime = {};
  put_in_only_hour(*attr);
  return model::encode_attr(*attr);
}

}  // namespace

void User::compare(const std::function<const test::MemoryStore&()>& server) {
  const test::MemoryStore& there = server();
  auto differ = [&](const std::string& key, const std::string& what) {
    findings_.add(fmt::format("{} ({}): {} {} in the server", prefix_, mount_.name(), key, what));
  };
  for (Ino ino : made_) {
    const std::string attr = keys_.attr(ino);
    const auto* wanted = reference_.get<std::string>(attr);
    const auto* got = there.get<std::string>(attr);
    if (!wanted != !got) {
      differ(attr, wanted ? "is not" : "is");
      continue;
    }
    if (!wanted) continue;
    if (without_times(*wanted) != without_times(*got)) differ(attr, "is another");
    for (uint32_t chunk = 0; chunk < 3; ++chunk) {
      const auto key = keys_.chunk(ino, chunk);
      const auto wanted = reference_.read({model::ReadKind::kList, key, {}, true}).items;
      const auto found = there.read({model::ReadKind::kList, key, {}, true}).items;
      if (slices_.shown(wanted) != slices_.shown(found))
        differ(key, fmt::format("is {}, not {}", slices_of(found), slices_of(wanted)));
    }
    const model::ReadKey parents{model::ReadKind::kHash, keys_.parents(ino), {}, true};
    if (parents_with_one_hour(reference_.read(parents)) !=
        parents_with_one_hour(there.read(parents)))
      differ(parents.key, "is another");
    for (const std::string& key : {keys_.xattrs(ino), keys_.dir(ino)})
      if (reference_.read({model::ReadKind::kHash, key, {}, true}).fields !=
          there.read({model::ReadKind::kHash, key, {}, true}).fields)
        differ(key, "is another");
  }
  std::multimap<std::string, Ino> wanted, found;
  for (const auto& one : trashed_in(reference_, kOnlyHour))
    wanted.emplace(one.name, one.entry.ino);
  for (const auto& one : trashed_of(there))
    if (made_.contains(one.entry.ino)) found.emplace(one.name, one.entry.ino);
  if (wanted != found)
    findings_.add(fmt::format("{} ({}): the trash has {} things, {} were removed", prefix_,
                              mount_.name(), found.size(), wanted.size()));
  for (Ino folder : terms_.folders) {
    auto own = [&](const test::MemoryStore& store) {
      std::vector<std::pair<std::string, std::string>> fields;
      for (const auto& [name, entry] :
           store.read({model::ReadKind::kHash, keys_.dir(folder), {}, true}).fields)
        if (name.starts_with(prefix_)) fields.emplace_back(name, entry);
      std::ranges::sort(fields);
      return fields;
    };
    if (own(reference_) != own(there)) differ(keys_.dir(folder), "has other names");
  }
}

}  // namespace fastmeta::sim
