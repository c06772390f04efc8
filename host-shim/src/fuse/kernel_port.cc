// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/kernel_port.h"

#include <cerrno>
#include <chrono>
#include <mutex>
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

void FusePort::open(fuse_session* session) {
  std::lock_guard lock(mutex_);
  session_ = session;
}

void FusePort::close() {
  constexpr std::chrono::seconds kLongest{5};
  std::unique_lock lock(mutex_);
  session_ = nullptr;
  sent_.wait_for(lock, kLongest, [&] { return sending_ == 0; });
}

FusePort::Sending::Sending(FusePort& port) : port_(port) {
  std::lock_guard lock(port_.mutex_);
  session_ = port_.session_;
  ++port_.sending_;
}

FusePort::Sending::~Sending() {
  std::lock_guard lock(port_.mutex_);
  --port_.sending_;
  port_.sent_.notify_all();
}

void FusePort::expire_inode(uint64_t ino, bool data) {
  const Sending sending(*this);
  fuse_session* session = sending.session();
  if (session == nullptr) return;
  // A negative offset leaves the pages alone, length 0 is up to the end.
  fuse_lowlevel_notify_inval_inode(session, ino, data ? 0 : -1, 0);
}

void FusePort::expire_name(uint64_t parent, const std::string& name) {
  const Sending sending(*this);
  fuse_session* session = sending.session();
  if (session == nullptr) return;
#ifdef FUSE_CAP_EXPIRE_ONLY
  if (can_expire_ && expire(fuse_lowlevel_notify_expire_entry, session, parent, name) != -ENOSYS) {
    return;
  }
#endif
  fuse_lowlevel_notify_inval_entry(session, parent, name.data(), name.size());
}

}  // namespace fastmeta::host
