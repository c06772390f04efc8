// SPDX-License-Identifier: GPL-3.0-or-later
// Inode flags, as chattr(1) and lsattr(1) ask for them.
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

struct Pair {
  unsigned int kernel;
  uint32_t mdp;
};
// "Deleted securely" is what the standard client takes for "not by way of the trash".
constexpr Pair kFlags[] = {
    {FS_IMMUTABLE_FL, MDP_INODE_IMMUTABLE},
    {FS_APPEND_FL, MDP_INODE_APPEND},
    {FS_SECRM_FL, MDP_INODE_SKIP_TRASH},
};

void get_flags(fuse_req_t req, fuse_ino_t ino, size_t room) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  const int rc = fs.ops.getattr(fs.volume, &who, ino, &entry);
  if (rc != 0) return reply_result(req, rc);
  unsigned int flags = 0;
  for (const Pair& pair : kFlags) {
    if ((entry.attr.flags & pair.mdp) != 0) flags |= pair.kernel;
  }
  if (room < sizeof flags) return reply_result(req, -EINVAL);
  fuse_reply_ioctl(req, 0, &flags, sizeof flags);
}

void set_flags(fuse_req_t req, fuse_ino_t ino, const void* in, size_t size) {
  FileSystem& fs = fs_of(req);
  if (fs.ops.setattr == nullptr) return reply_result(req, -ENOTTY);
  unsigned int flags = 0;
  if (size < sizeof flags) return reply_result(req, -EINVAL);
  std::memcpy(&flags, in, sizeof flags);
  mdp_setattr set{};
  set.struct_size = sizeof set;
  set.set = MDP_SET_FLAGS;
  for (const Pair& pair : kFlags) {
    if ((flags & pair.kernel) == 0) continue;
    flags &= ~pair.kernel;
    set.flags |= pair.mdp;
  }
  if (flags != 0) return reply_result(req, -EOPNOTSUPP);
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  const int rc = fs.ops.setattr(fs.volume, &who, ino, &set, &entry);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_ioctl(req, 0, nullptr, 0);
}

void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void*, fuse_file_info*,
              unsigned int, const void* in, size_t in_size, size_t out_size) {
  switch (static_cast<unsigned long>(cmd)) {
    case FS_IOC_GETFLAGS & 0xffffffffUL: return get_flags(req, ino, out_size);
    case FS_IOC_SETFLAGS & 0xffffffffUL: return set_flags(req, ino, in, in_size);
    default: return reply_result(req, -ENOTTY);
  }
}

}  // namespace

void add_flag_handlers(const mdp_ops&, fuse_lowlevel_ops* out) { out->ioctl = on_ioctl; }

}  // namespace fastmeta::host
