// SPDX-License-Identifier: GPL-3.0-or-later
// The connection to the kernel: mounts, serves requests, unmounts.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/process.h"
#include "fuse/file_system.h"
#include "fuse/kernel_port.h"

namespace fastmeta::host {

struct SessionOptions {
  std::string mount_point;  // absolute
  std::string fsname;
  bool allow_other = false;
  bool read_only = false;
  std::vector<std::string> options;  // further ones of mount -o
  uint32_t threads_idle_max = 16;
  uint32_t threads_max = 1024;
};

class Session {
 public:
  // By the thread that will serve. Null on failure, with the reason.
  static std::unique_ptr<Session> create(FileSystem& fs, FusePort& port,
                                         const SessionOptions& options, std::string* why);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool mount(std::string* why);
  // Serves until the file system is unmounted or end() is called. 0 or -errno.
  int serve();
  // From any thread, while serve() runs: unmounts if nobody uses the mount, else
  // stores what programs have mapped and leaves serve() anyway. What others have mounted
  // there meanwhile stays.
  void end();
  // After serve(): takes the mount away from whoever still uses it. Their requests
  // fail at once.
  void unmount();
  // The kernel's end of the connection is there.
  bool connected() const;

 private:
  Session(FileSystem& fs, FusePort& port, SessionOptions options);
  // A call on the mount point reaches our mount: it is there, and nothing is mounted over it.
  bool seen() const;
  void wait_for_mapped_writes();
  void wake_until_left();

  FileSystem& fs_;
  FusePort& port_;
  const SessionOptions options_;
  fuse_session* session_ = nullptr;
  bool mounted_ = false;
  std::optional<MountPoint> mount_;  // as it was made; nothing: it cannot be told
  const pthread_t serving_ = pthread_self();
  std::atomic<bool> left_{false};
  std::atomic<bool> forced_{false};
};

}  // namespace fastmeta::host
