// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/lose_name.h"

#include <string>

#include "model/rules/accounting.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

void move_to_trash(const View& seen, const LostName& lost, Attr& attr, Mutations& out) {
  const KeySpace& keys = seen.keys();
  const Ino ino = lost.entry.ino;
  if (attr.parent != 0) attr.parent = lost.trash;
  put_attr(seen, out, ino, attr);
  out.hset(keys.dir(lost.trash), trash_entry_name(lost.parent, ino, lost.name),
           encode_dentry(lost.entry));
  if (attr.parent == 0) {
    out.hincr_by(keys.parents(ino), std::to_string(lost.trash), 1);
    out.hincr_by(keys.parents(ino), std::to_string(lost.parent), -1);
  }
  count_entry(seen, out, lost.trash, attr, 1);
}

void sustain(const View& seen, Ino ino, const Attr& attr, Mutations& out) {
  put_attr(seen, out, ino, attr);
  out.sadd(seen.keys().session_sustained(seen.facts().session), std::to_string(ino));
}

void destroy(const View& seen, const LostName& lost, const Attr& attr, Mutations& out) {
  const KeySpace& keys = seen.keys();
  const Ino ino = lost.entry.ino;
  uint64_t space = 4096;
  if (lost.entry.type == FileType::kFile) {
    out.zadd(keys.plain(kDelFiles), lost.applied_at.sec, dead_file_member(ino, attr.length));
    out.dead_files.push_back({ino, attr.length});
    space = charged_space(attr.length);
  }
  if (lost.entry.type == FileType::kSymlink) out.del(keys.symlink(ino));
  out.del(keys.attr(ino));
  add_space(seen, out, -static_cast<int64_t>(space));
  add_inodes(seen, out, -1);
}

}  // namespace

void add_removal_reads(const View& seen, const Dentry& entry, std::vector<ReadKey>& reads) {
  reads.push_back({ReadKind::kHashCount, seen.keys().xattrs(entry.ino), {}, true});
  if (entry.type == FileType::kSymlink) reads.push_back(seen.symlink_key(entry.ino));
}

Attr attr_or_broken(const std::optional<Attr>& attr, LostName& lost) {
  if (attr) return *attr;
  lost.trash = 0;
  Attr broken;
  broken.type = lost.entry.type;
  broken.nlink = 0;
  return broken;
}

Result<void> need_for_loss(const View& seen, const LostName& lost, const Attr& attr) {
  std::vector<ReadKey> reads;
  if (lost.trash == 0) add_removal_reads(seen, lost.entry, reads);
  if (attr.parent == 0) reads.push_back(seen.parents_key(lost.entry.ino));
  return seen.need(reads);
}

Fate lose_name(const View& seen, const LostName& lost, Attr& attr, Mutations& out) {
  const KeySpace& keys = seen.keys();
  const Ino ino = lost.entry.ino;
  const bool is_dir = lost.entry.type == FileType::kDirectory;
  count_entry(seen, out, lost.parent, attr, -1);
  if (lost.trash != 0) {
    touch_ctime(attr, lost.applied_at);
    move_to_trash(seen, lost, attr, out);
    return Fate::kTrashed;
  }
  attr.nlink = is_dir || attr.nlink == 0 ? 0 : attr.nlink - 1;
  touch_ctime(attr, attr.nlink > 0 ? lost.now : lost.applied_at);
  if (attr.nlink > 0) {
    put_attr(seen, out, ino, attr);
    if (attr.parent == 0) out.hincr_by(keys.parents(ino), std::to_string(lost.parent), -1);
    return Fate::kStillLinked;
  }
  const bool keep = lost.entry.type == FileType::kFile && seen.facts().session != 0 &&
                    seen.open_here(ino);
  if (keep) {
    sustain(seen, ino, attr, out);
  } else {
    destroy(seen, lost, attr, out);
  }
  out.del(keys.xattrs(ino));
  if (attr.parent == 0) out.del(keys.parents(ino));
  return keep ? Fate::kSustained : Fate::kDeleted;
}

}  // namespace fastmeta::model
