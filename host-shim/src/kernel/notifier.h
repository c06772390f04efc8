// SPDX-License-Identifier: GPL-3.0-or-later
// The one thread that tells the kernel what to forget. A notice about a name takes
// its directory's lock in the kernel, so it may wait for a request that we are
// serving: no thread that serves requests may send one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "kernel/kernel_view.h"

namespace fastmeta::host {

// How the kernel is told. Errors do not matter: what it does not know it does not
// remember.
class KernelPort {
 public:
  virtual ~KernelPort() = default;
  virtual void expire_inode(uint64_t ino, bool data) = 0;
  virtual void expire_name(uint64_t parent, const std::string& name) = 0;
};

class Notifier {
 public:
  // contents: told of inodes whose data changed, before the kernel is.
  Notifier(KernelView& view, KernelPort& port, std::function<void(uint64_t ino)> contents);
  ~Notifier();  // stops
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void start();
  void stop();

 private:
  // Our answer may have reached the kernel without being stored there yet, when the
  // notice came by: such keys are told once more a little later.
  struct Again {
    int64_t due;  // ms
    Notices::Inode inode;
    Notices::Name name;  // empty: the inode
  };

  void run();
  void tell(const Notices& page);
  void tell_again(int64_t now);

  KernelView& view_;
  KernelPort& port_;
  std::function<void(uint64_t)> contents_;
  std::deque<Again> again_;  // of the thread only
  std::thread thread_;
};

}  // namespace fastmeta::host
