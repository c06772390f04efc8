// SPDX-License-Identifier: GPL-3.0-or-later
// Names.
#include <sys/stat.h>

#include <cerrno>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

int answer(mdp_volume* v, const char* operation, Result<engine::EntryReply>&& reply,
           mdp_entry* out) {
  if (!reply) return to_errno(v->log, reply.error(), operation);
  *out = to_c(*reply);
  return 0;
}

int answer(mdp_volume* v, const char* operation, Result<void>&& done) {
  return done ? 0 : to_errno(v->log, done.error(), operation);
}

int statfs(mdp_volume* v, const mdp_caller*, uint64_t, mdp_statfs* out) {
  return guarded(v, "statfs", [&] {
    const model::SpaceReply s = v->volume->statfs();
    *out = {s.total_bytes, s.avail_bytes, s.used_inodes, s.avail_inodes};
    return 0;
  });
}

int lookup(mdp_volume* v, const mdp_caller*, uint64_t parent, const char* name, size_t len,
           mdp_entry* out) {
  return guarded(v, "lookup", [&] {
    return answer(v, "lookup", v->volume->lookup(parent, std::string(name, len)), out);
  });
}

// The plugin keeps nothing per remembered inode.
void forget(mdp_volume*, uint64_t) {}

int make(mdp_volume* v, const char* operation, const mdp_caller* who, uint64_t parent,
         std::string_view name, uint32_t mode, uint32_t rdev, std::string_view target,
         mdp_entry* out) {
  return guarded(v, operation, [&] {
    const auto type = to_type(mode);
    if (!type) return -EINVAL;
    engine::Volume::NewNode node;
    node.who = to_caller(who);
    node.parent = parent;
    node.name = name;
    node.type = *type;
    node.mode = static_cast<uint16_t>(mode & 07777);
    node.rdev = rdev;
    node.target = target;
    return answer(v, operation, v->volume->make(node), out);
  });
}

int mknod(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len,
          uint32_t mode, uint32_t rdev, mdp_entry* out) {
  return make(v, "mknod", who, parent, {name, len}, mode, rdev, {}, out);
}

int mkdir(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len,
          uint32_t mode, mdp_entry* out) {
  return make(v, "mkdir", who, parent, {name, len}, (mode & 07777) | S_IFDIR, 0, {}, out);
}

int symlink(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len,
            const char* target, size_t target_len, mdp_entry* out) {
  return make(v, "symlink", who, parent, {name, len}, S_IFLNK | 0777, 0, {target, target_len},
              out);
}

int readlink(mdp_volume* v, const mdp_caller*, uint64_t ino, char* buf, size_t cap, size_t* len) {
  return guarded(v, "readlink", [&] {
    auto target = v->volume->readlink(ino);
    if (!target) return to_errno(v->log, target.error(), "readlink");
    return put_bytes(*target, buf, cap, len);
  });
}

int link(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t parent, const char* name,
         size_t len, mdp_entry* out) {
  return guarded(v, "link", [&] {
    return answer(v, "link",
                  v->volume->link(to_caller(who), ino, parent, std::string(name, len)), out);
  });
}

int unlink(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len) {
  return guarded(v, "unlink", [&] {
    return answer(v, "unlink", v->volume->unlink(to_caller(who), parent, std::string(name, len)));
  });
}

int rmdir(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len) {
  return guarded(v, "rmdir", [&] {
    return answer(v, "rmdir", v->volume->rmdir(to_caller(who), parent, std::string(name, len)));
  });
}

int rename(mdp_volume* v, const mdp_caller* who, uint64_t parent, const char* name, size_t len,
           uint64_t new_parent, const char* new_name, size_t new_len, uint32_t flags) {
  return guarded(v, "rename", [&] {
    return answer(v, "rename",
                  v->volume->rename(to_caller(who), parent, std::string(name, len), new_parent,
                                    std::string(new_name, new_len), flags));
  });
}

}  // namespace

void add_name_ops(mdp_ops& ops) {
  ops.statfs = statfs;
  ops.lookup = lookup;
  ops.forget = forget;
  ops.mknod = mknod;
  ops.mkdir = mkdir;
  ops.symlink = symlink;
  ops.readlink = readlink;
  ops.link = link;
  ops.unlink = unlink;
  ops.rmdir = rmdir;
  ops.rename = rename;
}

}  // namespace fastmeta::abi
