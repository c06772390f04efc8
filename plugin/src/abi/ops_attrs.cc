// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes and extended attributes.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

constexpr size_t kXattrNameMax = 255;
constexpr size_t kXattrValueMax = 65536;

// ACLs live in these names; volumes with ACLs are refused at open.
bool is_acl(std::string_view name) {
  return name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

int getattr(mdp_volume* v, const mdp_caller*, uint64_t ino, mdp_entry* out) {
  return guarded(v, "getattr", [&] {
    auto reply = v->volume->getattr(ino);
    if (!reply) return to_errno(v->log, reply.error(), "getattr");
    *out = to_c(*reply);
    return 0;
  });
}

int setattr(mdp_volume* v, const mdp_caller* who, uint64_t ino, const mdp_setattr* set,
            mdp_entry* out) {
  return guarded(v, "setattr", [&] {
    mdp_setattr s{};
    std::memcpy(&s, set, std::min<size_t>(set->struct_size, sizeof s));
    model::SetattrArgs want;
    want.who = to_caller(who);
    want.ino = ino;
    if (s.set & MDP_SET_MODE) want.mode = static_cast<uint16_t>(s.mode & 07777);
    if (s.set & MDP_SET_UID) want.uid = s.uid;
    if (s.set & MDP_SET_GID) want.gid = s.gid;
    if (s.set & MDP_SET_ATIME) want.atime = Timestamp{s.atime, s.atime_nsec};
    if (s.set & MDP_SET_MTIME) want.mtime = Timestamp{s.mtime, s.mtime_nsec};
    want.atime_now = (s.set & MDP_SET_ATIME_NOW) != 0;
    want.mtime_now = (s.set & MDP_SET_MTIME_NOW) != 0;
    if (s.set & MDP_SET_FLAGS) want.flags = static_cast<uint8_t>(s.flags);
    want.kill_suid = (s.set & MDP_SET_KILL_SUID) != 0;
    auto reply = v->volume->setattr(std::move(want));
    if (!reply) return to_errno(v->log, reply.error(), "setattr");
    *out = to_c(*reply);
    return 0;
  });
}

int setxattr(mdp_volume* v, const mdp_caller* who, uint64_t ino, const char* name, size_t len,
             const void* value, size_t size, uint32_t flags) {
  return guarded(v, "setxattr", [&] {
    if (len > kXattrNameMax || size > kXattrValueMax) return -ERANGE;
    if (is_acl({name, len})) return -ENOTSUP;
    model::SetXattrArgs want{ino, std::string(name, len),
                             std::string(static_cast<const char*>(value), size), flags};
    auto done = v->volume->setxattr(std::move(want), to_caller(who));
    return done ? 0 : to_errno(v->log, done.error(), "setxattr");
  });
}

int getxattr(mdp_volume* v, const mdp_caller*, uint64_t ino, const char* name, size_t len,
             void* buf, size_t cap, size_t* size) {
  return guarded(v, "getxattr", [&] {
    if (len > kXattrNameMax) return -ERANGE;
    if (is_acl({name, len})) return -ENODATA;
    auto value = v->volume->getxattr(ino, std::string(name, len));
    if (!value) return to_errno(v->log, value.error(), "getxattr");
    return put_bytes(*value, buf, cap, size);
  });
}

int listxattr(mdp_volume* v, const mdp_caller*, uint64_t ino, char* buf, size_t cap,
              size_t* size) {
  return guarded(v, "listxattr", [&] {
    auto names = v->volume->listxattr(ino);
    if (!names) return to_errno(v->log, names.error(), "listxattr");
    std::string joined;
    for (const std::string& name : *names) {
      joined += name;
      joined += '\0';
    }
    return put_bytes(joined, buf, cap, size);
  });
}

int removexattr(mdp_volume* v, const mdp_caller* who, uint64_t ino, const char* name, size_t len) {
  return guarded(v, "removexattr", [&] {
    if (len > kXattrNameMax) return -ERANGE;
    if (is_acl({name, len})) return -ENOTSUP;
    auto done = v->volume->removexattr(ino, std::string(name, len), to_caller(who));
    return done ? 0 : to_errno(v->log, done.error(), "removexattr");
  });
}

}  // namespace

void add_attr_ops(mdp_ops& ops) {
  ops.getattr = getattr;
  ops.setattr = setattr;
  ops.setxattr = setxattr;
  ops.getxattr = getxattr;
  ops.listxattr = listxattr;
  ops.removexattr = removexattr;
}

}  // namespace fastmeta::abi
