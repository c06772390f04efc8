// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/lose_name.h"
#include "model/rules/names.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

void forget_statistics(const View& seen, Ino dir, Mutations& out) {
  const std::string field = std::to_string(dir);
  for (std::string_view row : {kDirDataLength, kDirUsedSpace, kDirUsedInodes, kDirQuota,
                               kDirQuotaUsedSpace, kDirQuotaUsedInodes})
    out.hdel(seen.keys().plain(row), field);
}

}  // namespace

Result<UnlinkReply> rmdir(const View& seen, const UnlinkArgs& want, Mutations& out) {
  if (want.name == ".") return answer(EINVAL);
  if (want.name == "..") return answer(ENOTEMPTY);
  MDP_TRY_VOID(check_disappearing(want.who, want.parent, want.name));
  if (want.parent == kTrashIno) return answer(EPERM);  // an hour directory
  MDP_TRY_VOID(
      seen.need({seen.attr_key(want.parent), seen.dentry_key(want.parent, want.name)}));

  MDP_TRY(auto entry, seen.dentry(want.parent, want.name));
  if (!entry) return answer(ENOENT);
  if (entry->type != FileType::kDirectory) return answer(ENOTDIR);
  LostName lost{want.parent, want.name, *entry, is_trash(want.parent) ? 0 : want.trash, want.now,
                want.applied_at.value_or(want.now)};

  std::vector<ReadKey> reads = {seen.attr_key(entry->ino), seen.dir_count_key(entry->ino)};
  if (lost.trash == 0) add_removal_reads(seen, *entry, reads);
  MDP_TRY_VOID(seen.need(reads));

  MDP_TRY(auto parent, seen.attr(want.parent));
  if (!parent) return answer(ENOENT);
  if (!parent->is_dir()) return answer(ENOTDIR);
  if (is_fixed(*parent)) return answer(EPERM);
  MDP_TRY(bool empty, seen.dir_empty(entry->ino));
  if (!empty) return answer(ENOTEMPTY);
  MDP_TRY(auto stored, seen.attr(entry->ino));
  if (stored) {
    if (sticky_forbids(want.who, *parent, *stored)) return answer(EACCES);
    if (stored->flags & kSkipTrash) lost.trash = 0;
  }
  Attr attr = attr_or_broken(stored, lost);
  if (lost.trash == 0) MDP_TRY_VOID(need_for_loss(seen, lost, attr));

  const KeySpace& keys = seen.keys();
  out.hdel(keys.dir(want.parent), want.name);
  if (!is_trash(want.parent)) {
    if (parent->nlink > 0) --parent->nlink;
    touch_dir(seen.facts(), *parent, want.now, true);
    put_attr(seen, out, want.parent, *parent);
  }
  count_entry(seen, out, want.parent, attr, -1);
  touch_ctime(attr, lost.applied_at);
  if (lost.trash != 0) {
    attr.parent = lost.trash;
    put_attr(seen, out, entry->ino, attr);
    out.hset(keys.dir(lost.trash), trash_entry_name(want.parent, entry->ino, want.name),
             encode_dentry(*entry));
    count_entry(seen, out, lost.trash, attr, 1);
  } else {
    attr.nlink = 0;
    out.del(keys.attr(entry->ino));
    out.del(keys.xattrs(entry->ino));
    add_space(seen, out, -4096);
    add_inodes(seen, out, -1);
  }
  forget_statistics(seen, entry->ino, out);
  const Fate fate = lost.trash != 0 ? Fate::kTrashed : Fate::kDeleted;
  return UnlinkReply{entry->ino, std::move(attr), fate};
}

}  // namespace fastmeta::model
