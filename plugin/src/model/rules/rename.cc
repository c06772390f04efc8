// SPDX-License-Identifier: GPL-3.0-or-later
#include <utility>
#include <vector>

#include "model/rules/accounting.h"
#include "model/rules/ancestry.h"
#include "model/rules/checks.h"
#include "model/rules/lose_name.h"
#include "model/rules/names.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

constexpr uint32_t kWhiteout = 4;

// All that a rename looks at. In a rename within one directory only
// `to_parent` is changed and written.
struct Move {
  const RenameArgs& want;
  bool exchange = false;
  bool across = false;  // the two parents differ
  Dentry source, target;
  bool has_target = false;
  Attr from_parent, to_parent, node;
  std::optional<Attr> stored_other;  // the target's inode
  LostName lost;                     // of the replaced node

  bool moves_dir() const { return across && source.type == FileType::kDirectory; }
  bool swaps_dir() const {
    return across && exchange && target.type == FileType::kDirectory;
  }
};

Result<void> check_arguments(const RenameArgs& want) {
  MDP_TRY_VOID(check_disappearing(want.who, want.parent, want.name));
  MDP_TRY_VOID(check_appearing(want.new_parent, want.new_name, EPERM));
  // Hour directories stay; and an exchange would put a name into the trash.
  const bool exchange = want.flags == kRenameExchange;
  if (want.parent == kTrashIno || (is_trash(want.parent) && exchange)) return answer(EPERM);
  if (want.flags == kWhiteout) return answer(ENOTSUP);
  if (want.flags != 0 && want.flags != kRenameNoReplace && !exchange) return answer(EINVAL);
  return {};
}

Result<void> need_inodes(const View& seen, const Move& move) {
  std::vector<ReadKey> reads = {seen.attr_key(move.source.ino)};
  if (move.has_target) {
    reads.push_back(seen.attr_key(move.target.ino));
    if (!move.exchange) {
      if (move.target.type == FileType::kDirectory)
        reads.push_back(seen.dir_count_key(move.target.ino));
      if (move.lost.trash == 0) add_removal_reads(seen, move.target, reads);
    }
  }
  // The walk up to the root starts in the same round.
  if (move.moves_dir()) {
    MDP_TRY(auto to_parent, seen.attr(move.want.new_parent));
    if (to_parent && to_parent->parent != 0) reads.push_back(seen.attr_key(to_parent->parent));
  }
  return seen.need(reads);
}

Result<void> check_parents(const View& seen, Move& move) {
  const RenameArgs& want = move.want;
  MDP_TRY(auto from_parent, seen.attr(want.parent));
  MDP_TRY(auto to_parent, seen.attr(want.new_parent));
  MDP_TRY(auto node, seen.attr(move.source.ino));
  if (!from_parent || !to_parent || !node) return answer(ENOENT);
  if (!from_parent->is_dir()) return answer(ENOTDIR);
  if (!to_parent->is_dir()) return answer(ENOTDIR);
  if (is_trashed(*to_parent)) return answer(ENOENT);
  // These two levels are what the standard client refuses, with this errno.
  if (move.source.ino == want.new_parent || move.source.ino == to_parent->parent)
    return answer(EPERM);
  if (move.moves_dir()) MDP_TRY_VOID(check_not_below(seen, want.new_parent, move.source.ino));
  if (move.swaps_dir()) MDP_TRY_VOID(check_not_below(seen, want.parent, move.target.ino));
  if (is_fixed(*from_parent) || is_immutable(*to_parent) || is_fixed(*node)) return answer(EPERM);
  const uint32_t uid = want.who.uid;
  if (move.across && (from_parent->perm & 01000) != 0 && uid != 0 && uid != node->uid &&
      (uid != from_parent->uid || node->is_dir()))
    return answer(EACCES);
  move.from_parent = std::move(*from_parent);
  move.to_parent = std::move(*to_parent);
  move.node = std::move(*node);
  return {};
}

Result<void> check_target(const View& seen, Move& move) {
  if (!move.has_target) {
    if (move.exchange) return answer(ENOENT);
    return {};
  }
  MDP_TRY(move.stored_other, seen.attr(move.target.ino));
  const auto& other = move.stored_other;
  if (!other && move.exchange) return answer(ENOENT);
  if (other && is_fixed(*other)) return answer(EPERM);
  if (other && (other->flags & kSkipTrash)) move.lost.trash = 0;
  if (!move.exchange && move.target.type == FileType::kDirectory) {
    MDP_TRY(bool empty, seen.dir_empty(move.target.ino));
    if (!empty) return answer(ENOTEMPTY);
  }
  if (other && sticky_forbids(move.want.who, move.to_parent, *other)) return answer(EACCES);
  return {};
}

// The keys p{ino} of hard-linked nodes whose parents change.
Result<void> need_parents(const View& seen, const Move& move, const Attr& other) {
  std::vector<ReadKey> reads;
  if (move.across && move.node.parent == 0) reads.push_back(seen.parents_key(move.source.ino));
  if (move.exchange && move.across && other.parent == 0)
    reads.push_back(seen.parents_key(move.target.ino));
  return seen.need(reads);
}

void write_target_to_source(const View& seen, const Move& move, Attr& other, Mutations& out) {
  const RenameArgs& want = move.want;
  const KeySpace& keys = seen.keys();
  touch_ctime(other, want.now);
  if (other.parent != 0) other.parent = want.parent;
  put_attr(seen, out, move.target.ino, other);
  out.hset(keys.dir(want.parent), want.name, encode_dentry(move.target));
  if (!move.across) return;
  if (other.parent == 0) {
    out.hincr_by(keys.parents(move.target.ino), std::to_string(want.parent), 1);
    out.hincr_by(keys.parents(move.target.ino), std::to_string(want.new_parent), -1);
  }
  count_entry(seen, out, want.new_parent, other, -1);
  count_entry(seen, out, want.parent, other, 1);
}

Fate write_replaced(const View& seen, const Move& move, Attr& other, Mutations& out) {
  const Fate fate = lose_name(seen, move.lost, other, out);
  if (move.target.type == FileType::kDirectory) {
    for (std::string_view row : {kDirQuota, kDirQuotaUsedSpace, kDirQuotaUsedInodes})
      out.hdel(seen.keys().plain(row), std::to_string(move.target.ino));
  }
  return fate;
}

// Links of the parents: each child directory counts one.
void move_links(Move& move) {
  auto lose_child = [](Attr& dir) {
    if (dir.nlink > 0) --dir.nlink;
  };
  if (move.moves_dir()) {
    lose_child(move.from_parent);
    ++move.to_parent.nlink;
  }
  if (move.swaps_dir()) {
    ++move.from_parent.nlink;
    lose_child(move.to_parent);
  }
  if (move.has_target && !move.exchange && move.target.type == FileType::kDirectory)
    lose_child(move.to_parent);
}

void write_source(const View& seen, Move& move, Mutations& out) {
  const RenameArgs& want = move.want;
  const KeySpace& keys = seen.keys();
  const bool forced = move.moves_dir() || move.swaps_dir();
  const bool replaces_dir =
      move.has_target && !move.exchange && move.target.type == FileType::kDirectory;
  if (move.across) {
    const bool touched = touch_dir(seen.facts(), move.from_parent, want.now, forced);
    if (touched && !is_trash(want.parent)) put_attr(seen, out, want.parent, move.from_parent);
    if (move.node.parent == 0) {
      out.hincr_by(keys.parents(move.source.ino), std::to_string(want.new_parent), 1);
      out.hincr_by(keys.parents(move.source.ino), std::to_string(want.parent), -1);
    }
    count_entry(seen, out, want.parent, move.node, -1);
    count_entry(seen, out, want.new_parent, move.node, 1);
  }
  touch_ctime(move.node, want.now);
  if (move.node.parent != 0) move.node.parent = want.new_parent;
  put_attr(seen, out, move.source.ino, move.node);
  out.hset(keys.dir(want.new_parent), want.new_name, encode_dentry(move.source));
  if (touch_dir(seen.facts(), move.to_parent, want.now, forced || replaces_dir))
    put_attr(seen, out, want.new_parent, move.to_parent);
}

// Both names are one inode already: nothing is done.
Result<RenameReply> nothing_to_do(const View& seen, Ino parent, const Dentry& entry) {
  MDP_TRY(auto attr, seen.attr(entry.ino));
  return RenameReply{entry.ino, attr ? *attr : broken_attr(parent, entry.type), 0, Fate::kNone};
}

}  // namespace

Result<RenameReply> rename(const View& seen, const RenameArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_arguments(want));
  MDP_TRY_VOID(seen.need({seen.attr_key(want.parent), seen.attr_key(want.new_parent),
                          seen.dentry_key(want.parent, want.name),
                          seen.dentry_key(want.new_parent, want.new_name)}));

  MDP_TRY(auto source, seen.dentry(want.parent, want.name));
  if (!source) return answer(ENOENT);
  if (want.parent == want.new_parent && want.name == want.new_name)
    return nothing_to_do(seen, want.parent, *source);
  MDP_TRY(auto target, seen.dentry(want.new_parent, want.new_name));
  if (target && want.flags == kRenameNoReplace) return answer(EEXIST);
  if (target && target->ino == source->ino) return nothing_to_do(seen, want.parent, *source);

  Move move{.want = want,
            .exchange = want.flags == kRenameExchange,
            .across = want.parent != want.new_parent,
            .source = *source,
            .target = target.value_or(Dentry{}),
            .has_target = target.has_value(),
            .from_parent = {},
            .to_parent = {},
            .node = {},
            .stored_other = {},
            .lost = {want.new_parent, want.new_name, target.value_or(Dentry{}), want.trash,
                     want.now, want.applied_at.value_or(want.now)}};
  if (move.has_target && !move.exchange) {
    const bool source_is_dir = move.source.type == FileType::kDirectory;
    const bool target_is_dir = move.target.type == FileType::kDirectory;
    if (source_is_dir && !target_is_dir) return answer(ENOTDIR);
    if (!source_is_dir && target_is_dir) return answer(EISDIR);
  }
  MDP_TRY_VOID(need_inodes(seen, move));
  MDP_TRY_VOID(check_parents(seen, move));
  MDP_TRY_VOID(check_target(seen, move));
  if (sticky_forbids(want.who, move.from_parent, move.node)) return answer(EACCES);

  Attr other;
  if (move.has_target) other = attr_or_broken(move.stored_other, move.lost);
  MDP_TRY_VOID(need_parents(seen, move, other));
  const bool replaces = move.has_target && !move.exchange;
  if (replaces) MDP_TRY_VOID(need_for_loss(seen, move.lost, other));

  RenameReply reply{move.source.ino, {}, move.has_target ? move.target.ino : 0, Fate::kNone};
  if (move.exchange) {
    write_target_to_source(seen, move, other, out);
  } else {
    out.hdel(seen.keys().dir(want.parent), want.name);
    if (replaces) reply.other_fate = write_replaced(seen, move, other, out);
  }
  move_links(move);
  write_source(seen, move, out);
  reply.attr = std::move(move.node);
  return reply;
}

}  // namespace fastmeta::model
