// SPDX-License-Identifier: GPL-3.0-or-later
#include <vector>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/names.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

Result<TrashHourReply> trash_hour(const View& seen, const TrashHourArgs& want, Mutations& out) {
  const std::string name = trash_hour_name(want.now);
  std::vector<ReadKey> reads = {seen.attr_key(kTrashIno), seen.dentry_key(kTrashIno, name)};
  if (want.ino != 0) reads.push_back(seen.attr_key(want.ino));
  MDP_TRY_VOID(seen.need(reads));
  MDP_TRY(auto entry, seen.dentry(kTrashIno, name));
  if (entry) return TrashHourReply{entry->ino, false};
  MDP_TRY(auto trash, seen.attr(kTrashIno));
  if (!trash || want.ino == 0) return answer(ENOENT);
  MDP_TRY_VOID(check_unused(seen, want.ino));

  Attr attr;
  attr.type = FileType::kDirectory;
  attr.perm = 0555;
  attr.atime = attr.mtime = attr.ctime = want.now;
  attr.nlink = 2;
  attr.length = kDirLength;
  attr.parent = kTrashIno;
  put_attr(seen, out, want.ino, attr);
  out.hset(seen.keys().dir(kTrashIno), name, encode_dentry({FileType::kDirectory, want.ino}));
  zero_dir_stats(seen, out, want.ino);
  add_space(seen, out, 4096);
  add_inodes(seen, out, 1);
  return TrashHourReply{want.ino, true};
}

}  // namespace fastmeta::model
