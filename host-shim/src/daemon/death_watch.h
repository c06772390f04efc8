// SPDX-License-Identifier: GPL-3.0-or-later
// A process beside the mount's that outlives it when it is killed.
//
// A killed mount does not always end. A thread of it may be inside the kernel, telling
// it of a change, and wait there for the lock of a directory; whoever holds that lock
// waits for an answer of the mount, which nobody will give; and the connection stays up
// for as long as that thread has /dev/fuse open. Somebody else must abort it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace fastmeta::host {

class DeathWatch {
 public:
  // By the thread that will serve, before there is any other: the watch learns of the
  // end of this one. Null when there can be none, with the reason.
  static std::unique_ptr<DeathWatch> start(const std::string& mount_point, std::string* why);
  // The watch goes away, whatever it was told.
  ~DeathWatch();
  DeathWatch(const DeathWatch&) = delete;
  DeathWatch& operator=(const DeathWatch&) = delete;

  // From now on the mount on that device ("0:57") is aborted when this process dies.
  void mounted(const std::string& device);
  // From now on nothing is.
  void unmounted();

 private:
  DeathWatch(pid_t watch, int pipe) : watch_(watch), pipe_(pipe) {}
  void tell(const std::string& device);

  const pid_t watch_;
  const int pipe_;  // its write end, which only this process holds
};

}  // namespace fastmeta::host
