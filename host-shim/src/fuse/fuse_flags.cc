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

// One flag in the words of the contract, of FS_IOC_*FLAGS and of FS_IOC_FS*XATTR.
struct Flag {
  uint32_t mdp;
  unsigned int flag;
  unsigned int xflag;
};
// "Deleted securely" is what the standard client takes for "not by way of the trash".
constexpr Flag kFlags[] = {
    {MDP_INODE_IMMUTABLE, FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
    {MDP_INODE_APPEND, FS_APPEND_FL, FS_XFLAG_APPEND},
    {MDP_INODE_SKIP_TRASH, FS_SECRM_FL, 0},
};

int flags_of(fuse_req_t req, fuse_ino_t ino, uint32_t* flags) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  const int rc = fs.ops.getattr(fs.volume, &who, ino, &entry);
  if (rc == 0) *flags = entry.attr.flags;
  return rc;
}

void set_flags(fuse_req_t req, fuse_ino_t ino, uint32_t flags) {
  FileSystem& fs = fs_of(req);
  if (fs.ops.setattr == nullptr) return reply_result(req, -ENOTTY);
  mdp_setattr set{};
  set.struct_size = sizeof set;
  set.set = MDP_SET_FLAGS;
  set.flags = flags;
  const mdp_caller who = caller_of(req);
  mdp_entry entry{};
  const int rc = fs.ops.setattr(fs.volume, &who, ino, &set, &entry);
  if (rc != 0) return reply_result(req, rc);
  fs.view.changed(ino);
  fuse_reply_ioctl(req, 0, nullptr, 0);
}

// FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
void on_get(fuse_req_t req, fuse_ino_t ino, size_t room) {
  uint32_t flags = 0;
  if (const int rc = flags_of(req, ino, &flags); rc != 0) return reply_result(req, rc);
  unsigned int out = 0;
  for (const Flag& flag : kFlags) out |= (flags & flag.mdp) != 0 ? flag.flag : 0;
  if (room < sizeof out) return reply_result(req, -EINVAL);
  fuse_reply_ioctl(req, 0, &out, sizeof out);
}

void on_set(fuse_req_t req, fuse_ino_t ino, const void* in, size_t size) {
  unsigned int wanted = 0;
  if (size < sizeof wanted) return reply_result(req, -EINVAL);
  std::memcpy(&wanted, in, sizeof wanted);
  uint32_t flags = 0;
  for (const Flag& flag : kFlags) {
    if ((wanted & flag.flag) != 0) flags |= flag.mdp;
    wanted &= ~flag.flag;
  }
  if (wanted != 0) return reply_result(req, -EOPNOTSUPP);
  set_flags(req, ino, flags);
}

// FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR: the kernel asks by the first before it sets
// by either.
void on_get_extended(fuse_req_t req, fuse_ino_t ino, size_t room) {
  uint32_t flags = 0;
  if (const int rc = flags_of(req, ino, &flags); rc != 0) return reply_result(req, rc);
  fsxattr out{};
  for (const Flag& flag : kFlags) out.fsx_xflags |= (flags & flag.mdp) != 0 ? flag.xflag : 0;
  if (room < sizeof out) return reply_result(req, -EINVAL);
  fuse_reply_ioctl(req, 0, &out, sizeof out);
}

void on_set_extended(fuse_req_t req, fuse_ino_t ino, const void* in, size_t size) {
  fsxattr wanted{};
  if (size < sizeof wanted) return reply_result(req, -EINVAL);
  std::memcpy(&wanted, in, sizeof wanted);
  uint32_t flags = 0;
  if (const int rc = flags_of(req, ino, &flags); rc != 0) return reply_result(req, rc);
  for (const Flag& flag : kFlags) {
    if (flag.xflag == 0) continue;  // cannot be said this way: stays
    flags = (wanted.fsx_xflags & flag.xflag) != 0 ? flags | flag.mdp : flags & ~flag.mdp;
    wanted.fsx_xflags &= ~flag.xflag;
  }
  if (wanted.fsx_xflags != 0 || wanted.fsx_projid != 0 || wanted.fsx_extsize != 0) {
    return reply_result(req, -EOPNOTSUPP);
  }
  set_flags(req, ino, flags);
}

void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void*, fuse_file_info*,
              unsigned int, const void* in, size_t in_size, size_t out_size) {
  switch (static_cast<unsigned long>(cmd)) {
    case FS_IOC_GETFLAGS & 0xffffffffUL: return on_get(req, ino, out_size);
    case FS_IOC_SETFLAGS & 0xffffffffUL: return on_set(req, ino, in, in_size);
    case FS_IOC_FSGETXATTR & 0xffffffffUL: return on_get_extended(req, ino, out_size);
    case FS_IOC_FSSETXATTR & 0xffffffffUL: return on_set_extended(req, ino, in, in_size);
    default: return reply_result(req, -ENOTTY);
  }
}

}  // namespace

void add_flag_handlers(const mdp_ops&, fuse_lowlevel_ops* out) { out->ioctl = on_ioctl; }

}  // namespace fastmeta::host
