// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/lose_name.h"
#include "model/rules/names.h"

namespace fastmeta::model {

namespace {

// Only hard links can meet their own earlier trash entry: same parent, inode
// and name within the hour. That one is enough, the name is dropped.
Result<bool> already_in_trash(const View& seen, const LostName& lost, const Attr& attr) {
  if (lost.trash == 0 || attr.nlink <= 1) return false;
  const std::string name = trash_entry_name(lost.parent, lost.entry.ino, lost.name);
  std::vector<ReadKey> reads = {seen.dentry_key_unwatched(lost.trash, name)};
  if (attr.parent == 0) reads.push_back(seen.parents_key(lost.entry.ino));
  MDP_TRY_VOID(seen.need(reads));
  return seen.dentry_exists_unwatched(lost.trash, name);
}

}  // namespace

Result<UnlinkReply> unlink(const View& seen, const UnlinkArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_disappearing(want.who, want.parent, want.name));
  MDP_TRY_VOID(
      seen.need({seen.attr_key(want.parent), seen.dentry_key(want.parent, want.name)}));

  MDP_TRY(auto entry, seen.dentry(want.parent, want.name));
  if (!entry) return answer(ENOENT);
  if (entry->type == FileType::kDirectory) return answer(EPERM);
  LostName lost{want.parent, want.name, *entry, is_trash(want.parent) ? 0 : want.trash, want.now,
                want.applied_at.value_or(want.now)};

  std::vector<ReadKey> reads = {seen.attr_key(entry->ino)};
  if (lost.trash == 0) add_removal_reads(seen, *entry, reads);
  MDP_TRY_VOID(seen.need(reads));

  MDP_TRY(auto parent, seen.attr(want.parent));
  if (!parent) return answer(ENOENT);
  if (!parent->is_dir()) return answer(ENOTDIR);
  if (is_fixed(*parent)) return answer(EPERM);
  MDP_TRY(auto stored, seen.attr(entry->ino));
  if (stored) {
    if (sticky_forbids(want.who, *parent, *stored)) return answer(EACCES);
    if (is_fixed(*stored)) return answer(EPERM);
    if (stored->flags & kSkipTrash) lost.trash = 0;
    MDP_TRY(bool collides, already_in_trash(seen, lost, *stored));
    if (collides) lost.trash = 0;
  }
  Attr attr = attr_or_broken(stored, lost);
  MDP_TRY_VOID(need_for_loss(seen, lost, attr));

  out.hdel(seen.keys().dir(want.parent), want.name);
  if (!is_trash(want.parent) && touch_dir(seen.facts(), *parent, want.now, false))
    put_attr(seen, out, want.parent, *parent);
  const Fate fate = lose_name(seen, lost, attr, out);
  return UnlinkReply{entry->ino, std::move(attr), fate};
}

}  // namespace fastmeta::model
