// SPDX-License-Identifier: GPL-3.0-or-later
#include <vector>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/names.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

Result<void> check_symlink(const CreateArgs& want) {
  if (want.type != FileType::kSymlink) return {};
  const bool fits = !want.target.empty() && want.target.size() <= kSymlinkMax;
  if (!fits || want.target.find('\0') != want.target.npos) return answer(EINVAL);
  return {};
}

// O_CREAT of a file that is there succeeds: the caller needs what is there.
Result<CreateReply> existing(const View& seen, const CreateArgs& want, const Dentry& entry) {
  if (want.type != FileType::kFile && want.type != FileType::kDirectory) return answer(EEXIST);
  MDP_TRY(auto attr, seen.attr(entry.ino));
  return CreateReply{entry.ino, attr ? *attr : broken_attr(want.parent, entry.type), true};
}

Attr new_attr(const CreateArgs& want, const Attr& parent) {
  Attr attr;
  attr.flags = parent.flags & kSkipTrash;
  attr.tier = parent.tier;
  attr.type = want.type;
  attr.perm = want.mode & 07777 & ~want.who.umask;
  attr.uid = want.who.uid;
  attr.gid = want.who.gid;
  attr.atime = attr.mtime = want.now;
  attr.ctime = want.applied_at.value_or(want.now);
  attr.parent = want.parent;
  switch (want.type) {
    case FileType::kDirectory:
      attr.nlink = 2;
      attr.length = kDirLength;
      break;
    case FileType::kSymlink:
      attr.perm = 0777;
      attr.length = want.target.size();
      break;
    case FileType::kBlockDevice:
    case FileType::kCharDevice:
      attr.rdev = want.rdev;
      break;
    default:
      break;
  }
  if (parent.perm & 02000) {
    attr.gid = parent.gid;
    if (attr.is_dir()) attr.perm |= 02000;
  }
  return attr;
}

}  // namespace

Result<CreateReply> create(const View& seen, const CreateArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_appearing(want.parent, want.name, EEXIST));
  if (!valid_type(static_cast<uint8_t>(want.type))) return answer(EINVAL);
  MDP_TRY_VOID(check_symlink(want));
  MDP_TRY_VOID(check_limits(seen.facts(), 4096, 1));

  const KeySpace& keys = seen.keys();
  std::vector<ReadKey> reads = {seen.attr_key(want.parent),
                                seen.dentry_key(want.parent, want.name), seen.attr_key(want.ino)};
  if (want.type == FileType::kSymlink) reads.push_back(seen.symlink_key(want.ino));
  MDP_TRY_VOID(seen.need(reads));

  MDP_TRY(auto parent, seen.attr(want.parent));
  if (!parent) return answer(ENOENT);
  if (!parent->is_dir()) return answer(ENOTDIR);
  if (is_trashed(*parent)) return answer(ENOENT);
  if (is_immutable(*parent)) return answer(EPERM);
  MDP_TRY(auto entry, seen.dentry(want.parent, want.name));
  if (entry) return existing(seen, want, *entry);
  MDP_TRY_VOID(check_unused(seen, want.ino));

  const Attr attr = new_attr(want, *parent);
  if (attr.is_dir()) ++parent->nlink;
  const bool touched = touch_dir(seen.facts(), *parent, want.now, attr.is_dir());

  put_attr(seen, out, want.ino, attr);
  if (touched) put_attr(seen, out, want.parent, *parent);
  if (want.type == FileType::kSymlink) out.set(keys.symlink(want.ino), want.target);
  out.hset(keys.dir(want.parent), want.name, encode_dentry({want.type, want.ino}));
  if (attr.is_dir()) zero_dir_stats(seen, out, want.ino);
  add_space(seen, out, 4096);
  add_inodes(seen, out, 1);
  count_entry(seen, out, want.parent, attr, 1);
  return CreateReply{want.ino, attr, false};
}

}  // namespace fastmeta::model
