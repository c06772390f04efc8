// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, length and copying of files.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

model::OpenArgs to_open(const mdp_caller* who, uint64_t ino, uint32_t flags) {
  model::OpenArgs how;
  how.who = to_caller(who);
  how.ino = ino;
  how.read = (flags & O_ACCMODE) != O_WRONLY;
  how.write = (flags & O_ACCMODE) != O_RDONLY;
  how.append = (flags & O_APPEND) != 0;
  how.truncate = (flags & O_TRUNC) != 0;
  return how;
}

int create(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len,
           uint32_t mode, uint32_t flags, mdp_entry* out, mdp_open_reply* opened) {
  return guarded(v, "create", [&] {
    engine::Volume::NewNode node;
    node.who = to_caller(who);
    node.parent = parent;
    node.name.assign(name, len);
    node.mode = static_cast<uint16_t>(mode & 07777);
    auto made = v->volume->create(node, (flags & O_EXCL) != 0, to_open(who, 0, flags));
    if (!made) return to_errno(v->log, made.error(), "create");
    *out = to_c(made->entry);
    *opened = {made->entry.ino, out->attr};
    return 0;
  });
}

int open_file(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint32_t flags,
              mdp_open_reply* opened) {
  return guarded(v, "open", [&] {
    auto attr = v->volume->open_file(to_open(who, ino, flags));
    if (!attr) return to_errno(v->log, attr.error(), "open");
    *opened = {ino, to_c(ino, *attr)};
    return 0;
  });
}

int close_file(mdp_volume* v, uint64_t ino, uint64_t) {
  return guarded(v, "close", [&] {
    v->volume->close_file(ino);
    return 0;
  });
}

int truncate(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t length,
             mdp_attr* out) {
  return guarded(v, "truncate", [&] {
    auto attr = v->volume->truncate({to_caller(who), {}, ino, length});
    if (!attr) return to_errno(v->log, attr.error(), "truncate");
    *out = to_c(ino, *attr);
    return 0;
  });
}

int fallocate(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint32_t mode, uint64_t off,
              uint64_t len, mdp_attr* out) {
  return guarded(v, "fallocate", [&] {
    auto attr = v->volume->fallocate({to_caller(who), {}, ino, mode, off, len});
    if (!attr) return to_errno(v->log, attr.error(), "fallocate");
    *out = to_c(ino, *attr);
    return 0;
  });
}

int copy_file_range(mdp_volume* v, const mdp_caller* who, uint64_t from, uint64_t from_off,
                    uint64_t to, uint64_t to_off, uint64_t len, uint32_t flags,
                    uint64_t* copied, mdp_attr* to_attr) {
  return guarded(v, "copy_file_range", [&] {
    auto reply = v->volume->copy_file_range(
        {to_caller(who), {}, from, from_off, to, to_off, len, flags});
    if (!reply) return to_errno(v->log, reply.error(), "copy_file_range");
    *copied = reply->copied;
    *to_attr = to_c(to, reply->to_attr);
    return 0;
  });
}

int fsync(mdp_volume* v, uint64_t ino, int level) {
  return guarded(v, "fsync", [&] {
    using Sync = engine::Volume::Sync;
    const Sync sync = level == MDP_FSYNC_LOCAL    ? Sync::kLocal
                      : level == MDP_FSYNC_REMOTE ? Sync::kRemote
                      : level == MDP_FSYNC_REPORT ? Sync::kReport
                                                  : Sync::kConfigured;
    auto done = v->volume->fsync(ino, sync);
    return done ? 0 : to_errno(v->log, done.error(), "fsync");
  });
}

}  // namespace

void add_file_ops(mdp_ops& ops) {
  ops.create = create;
  ops.open_file = open_file;
  ops.close_file = close_file;
  ops.truncate = truncate;
  ops.fallocate = fallocate;
  ops.copy_file_range = copy_file_range;
  ops.fsync = fsync;
}

}  // namespace fastmeta::abi
