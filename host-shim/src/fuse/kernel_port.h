// SPDX-License-Identifier: GPL-3.0-or-later
// Notices to the kernel through a libfuse session.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "fuse/fuse_api.h"
#include "kernel/notifier.h"

namespace fastmeta::host {

class FusePort : public KernelPort {
 public:
  // Before this, and after close(), nothing is sent: there is nobody to tell.
  void open(fuse_session* session);
  // Waits for a notice that is being sent, since its file descriptor may be closed
  // next. The connection has ended, so it does not take long; where it could not be
  // ended, for some seconds only.
  void close();
  // Expiring keeps mounts and working directories below a name; it is younger than
  // dropping the name.
  void can_expire(bool can) { can_expire_ = can; }

  void expire_inode(uint64_t ino, bool data) override;
  void expire_name(uint64_t parent, const std::string& name) override;

 private:
  // A notice that is being sent; its session is null when there is none to send to.
  class Sending {
   public:
    explicit Sending(FusePort& port);
    ~Sending();
    fuse_session* session() const { return session_; }

   private:
    FusePort& port_;
    fuse_session* session_;
  };

  std::mutex mutex_;  // of the three below; free while a notice is being sent
  std::condition_variable sent_;
  fuse_session* session_ = nullptr;
  int sending_ = 0;
  std::atomic<bool> can_expire_{false};
};

}  // namespace fastmeta::host
