// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "util/bytes.h"

namespace fastmeta::store {
namespace {

Error held_by_other(const std::string& path) {
  std::string who = "another process";
  if (auto content = read_small_file(path); content && *content) {
    std::string_view digits = **content;
    while (digits.ends_with('\n')) digits.remove_suffix(1);
    if (auto pid = parse_decimal<int>(digits)) {
      who = *pid == ::getpid() ? fmt::format("this process ({})", *pid)
                               : fmt::format("process {}", *pid);
    }
  }
  return {Fault::kConfig, EBUSY,
          fmt::format("the local store is open in {} ({} is locked)", who, path)};
}

// Whether the file that is open is still the one of that name: drop_store may have
// removed it between our open and our flock.
bool same_file(int fd, const std::string& path) {
  struct stat ours{}, named{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

}  // namespace

Result<LockFile> LockFile::take(const std::string& path) {
  constexpr int kTriesMax = 8;
  for (int i = 0; i < kTriesMax; ++i) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return file_error("open", path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return held_by_other(path);
      return file_error("lock", path, errno);
    }
    if (!same_file(fd.get(), path)) continue;
    // For people only, so a full disk is no obstacle.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) == 0 && ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
      errno = 0;
    }
    return LockFile(path, std::move(fd));
  }
  return file_error("lock", path, EAGAIN);
}

Result<void> LockFile::remove() { return remove_file(path_); }

}  // namespace fastmeta::store
