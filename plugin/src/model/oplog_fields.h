// SPDX-License-Identifier: GPL-3.0-or-later
// The fields of an oplog record in their stored order: doc/oplog.md. `Io` is a
// FieldWriter or a FieldReader, and T const for the former. What an executor answers
// at replay (applied_at) is not among them.
#pragma once

#include "model/oplog_bytes.h"
#include "model/oplog_record.h"

namespace fastmeta::model {

template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename Io, Is<Caller> T>
void fields(Io& io, T& who) {
  io.number(who.uid);
  io.number(who.gid);
  io.number(who.umask);
}

template <typename Io, Is<SliceRecord> T>
void fields(Io& io, T& slice) {
  io.number(slice.pos);
  io.number(slice.id);
  io.number(slice.size);
  io.number(slice.off);
  io.number(slice.len);
}

template <typename Io, Is<CreateArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.parent);
  io.text(a.name);
  io.choice(a.type, FileType::kFile, FileType::kSocket);
  io.number(a.mode);
  io.number(a.rdev);
  io.text(a.target);
  io.number(a.ino);
  if (io.version() >= 2) io.bits(a.open_for, kOpenForAll);
}

template <typename Io, Is<LinkArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.ino);
  io.number(a.parent);
  io.text(a.name);
}

template <typename Io, Is<UnlinkArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.parent);
  io.text(a.name);
  io.number(a.trash);
}
template <typename Io, Is<Unlink> T>
void fields(Io& io, T& a) {
  fields(io, a.want);
}
template <typename Io, Is<Rmdir> T>
void fields(Io& io, T& a) {
  fields(io, a.want);
}

template <typename Io, Is<RenameArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.parent);
  io.text(a.name);
  io.number(a.new_parent);
  io.text(a.new_name);
  io.number(a.flags);
  io.number(a.trash);
}

template <typename Io, Is<SetattrArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.ino);
  if (io.present(a.mode)) io.number(*a.mode);
  if (io.present(a.uid)) io.number(*a.uid);
  if (io.present(a.gid)) io.number(*a.gid);
  if (io.present(a.atime)) io.time(*a.atime);
  if (io.present(a.mtime)) io.time(*a.mtime);
  io.flag(a.atime_now);
  io.flag(a.mtime_now);
  if (io.present(a.flags)) io.number(*a.flags);
  io.flag(a.kill_suid);
}

template <typename Io, Is<SetXattrArgs> T>
void fields(Io& io, T& a) {
  io.number(a.ino);
  io.text(a.name);
  io.text(a.value);
  io.number(a.flags);
}

template <typename Io, Is<RemoveXattrArgs> T>
void fields(Io& io, T& a) {
  io.number(a.ino);
  io.text(a.name);
}

template <typename Io, Is<WriteSliceArgs> T>
void fields(Io& io, T& a) {
  io.time(a.now);
  io.time(a.mtime);
  io.number(a.ino);
  io.number(a.chunk);
  fields(io, a.slice);
}

template <typename Io, Is<TruncateArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.ino);
  io.number(a.length);
}

template <typename Io, Is<FallocateArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.ino);
  io.number(a.mode);
  io.number(a.off);
  io.number(a.len);
}

template <typename Io, Is<CopyRangeArgs> T>
void fields(Io& io, T& a) {
  fields(io, a.who);
  io.time(a.now);
  io.number(a.from);
  io.number(a.from_off);
  io.number(a.to);
  io.number(a.to_off);
  io.number(a.len);
  io.number(a.flags);
}

template <typename Io, Is<LastCloseArgs> T>
void fields(Io& io, T& a) {
  io.time(a.now);
  io.number(a.ino);
}

template <typename Io, Is<Reliance> T>
void fields(Io& io, T& r) {
  io.choice(r.read.kind, ReadKind::kString, ReadKind::kList);
  io.text(r.read.key);
  io.text(r.read.field);
  io.flag(r.read.watch);
  io.choice(r.expect, Reliance::Expect::kNothing, Reliance::Expect::kEmpty);
  io.number(r.value);
}

template <typename Io, Is<Write> T>
void fields(Io& io, T& w) {
  io.choice(w.op, WriteOp::kSet, WriteOp::kHSetNx);
  io.text(w.key);
  io.text(w.field);
  io.text(w.value);
  io.number(w.delta);
}

template <typename Io, Is<LockGuard> T>
void fields(Io& io, T& lock) {
  io.number(lock.session);
  io.text(lock.key);
}

// All but the operation's own, which come between.
template <typename Io, Is<OplogRecord> T>
void fields_before(Io& io, T& record) {
  io.number(record.seq);
  io.time(record.time);
  io.number(record.used_space);
  io.number(record.used_inodes);
  io.time(record.base_mtime);
  io.flag(record.staged);
  io.number(record.pid);
  if (io.version() >= 2) {
    io.number(record.uid);
    io.number(record.gid);
    io.flag(record.nameless);
  }
}
template <typename Io, Is<OplogRecord> T>
void fields_behind(Io& io, T& record) {
  auto each = [](Io& same, auto& item) { fields(same, item); };
  io.list(record.relied, each);
  io.list(record.writes, each);
  io.list(record.locks, each);
  io.list(record.copied, each);
}

}  // namespace fastmeta::model
