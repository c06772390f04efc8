// SPDX-License-Identifier: GPL-3.0-or-later
// Notices to the kernel through a libfuse session.
#pragma once

#include <atomic>
#include <string>

#include "fuse/fuse_api.h"
#include "kernel/notifier.h"

namespace fastmeta::host {

class FusePort : public KernelPort {
 public:
  // Before this, and after close(), nothing is sent: there is nobody to tell.
  void open(fuse_session* session) { session_ = session; }
  void close() { session_ = nullptr; }
  // Expiring keeps mounts and working directories below a name; it is younger than
  // dropping the name.
  void can_expire(bool can) { can_expire_ = can; }

  void expire_inode(uint64_t ino, bool data) override;
  void expire_name(uint64_t parent, const std::string& name) override;

 private:
  std::atomic<fuse_session*> session_{nullptr};
  std::atomic<bool> can_expire_{false};
};

}  // namespace fastmeta::host
