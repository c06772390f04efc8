// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

// Ours is held for moments; in a folder of several users another may hold it for good.
constexpr milliseconds kPatience{2000};
constexpr milliseconds kStep{5};

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FolderLock::FolderLock(const std::string& path)
    : fd_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  for (milliseconds waited{0}; fd_ >= 0 && waited < kPatience; waited += kStep) {
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR)) return;
    std::this_thread::sleep_for(kStep);
  }
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace fastmeta::host
