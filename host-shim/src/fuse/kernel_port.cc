// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/kernel_port.h"

#include <cerrno>
#include <type_traits>

namespace fastmeta::host {
namespace {

#ifdef FUSE_CAP_EXPIRE_ONLY
// libfuse 3.14 takes flags, later ones have dropped them again.
template <typename Call>
int expire(Call call, fuse_session* session, uint64_t parent, const std::string& name) {
  if constexpr (std::is_invocable_v<Call, fuse_session*, fuse_ino_t, const char*, size_t>) {
    return call(session, parent, name.data(), name.size());
  } else {
    return call(session, parent, name.data(), name.size(), FUSE_LL_EXPIRE_ONLY);
  }
}
#endif

}  // namespace

void FusePort::expire_inode(uint64_t ino, bool data) {
  fuse_session* session = session_;
  if (session == nullptr) return;
  // A negative offset leaves the pages alone, length 0 is up to the end.
  fuse_lowlevel_notify_inval_inode(session, ino, data ? 0 : -1, 0);
}

void FusePort::expire_name(uint64_t parent, const std::string& name) {
  fuse_session* session = session_;
  if (session == nullptr) return;
#ifdef FUSE_CAP_EXPIRE_ONLY
  if (can_expire_ && expire(fuse_lowlevel_notify_expire_entry, session, parent, name) != -ENOSYS) {
    return;
  }
#endif
  fuse_lowlevel_notify_inval_entry(session, parent, name.data(), name.size());
}

}  // namespace fastmeta::host
