// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/fuse_connection.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daemon/process.h"

namespace fastmeta::host {
namespace {

// The control file system of FUSE, mounted nowhere: it is often not mounted at its
// usual place, in containers for example. Needs the rights to mount.
int control_folder() {
  const int context = ::fsopen("fusectl", FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int folder = -1;
  if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0) {
    folder = ::fsmount(context, FSMOUNT_CLOEXEC, 0);
  }
  ::close(context);
  return folder;
}

}  // namespace

int open_abort_file(const std::string& device) {
  const std::string number = device.substr(device.find(':') + 1);
  const std::string usual = "/sys/fs/fuse/connections/" + number + "/abort";
  if (const int fd = ::open(usual.c_str(), O_WRONLY | O_CLOEXEC); fd >= 0) return fd;
  const int folder = control_folder();
  if (folder < 0) return -1;
  const int fd = ::openat(folder, (number + "/abort").c_str(), O_WRONLY | O_CLOEXEC);
  ::close(folder);
  return fd;
}

bool abort_connection(const std::string& device) {
  const int fd = open_abort_file(device);
  if (fd < 0) return false;
  const bool done = ::write(fd, "1", 1) == 1;
  ::close(fd);
  return done;
}

void abort_by_path(const std::string& path, const std::string& device) {
  const auto mount = mount_seen_at(path);
  if (!mount || mount->path != path || mount->device != device) return;
  // In use by us, it is aborted and not unmounted.
  const int held = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  ::umount2(path.c_str(), MNT_FORCE | UMOUNT_NOFOLLOW);
  if (held >= 0) ::close(held);
}

}  // namespace fastmeta::host
