// SPDX-License-Identifier: GPL-3.0-or-later
// What concerns processes and mounts of this machine.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace fastmeta::host {

// A mounted file system of this machine.
struct MountPoint {
  int id = 0;  // no other mount has it as long as this one is there
  std::string path;
  std::string device;  // "0:57": one per mounted file system
  std::string type;    // "fuse.fastmeta"
  std::string source;
  unsigned int user = 0;  // who mounted it
};

// The lines of a mountinfo file that are fastmeta's.
std::vector<MountPoint> parse_mountinfo(const std::string& text);
// The mount that `path` lies on, if it is one of ours. Does not touch the file
// system that it asks about, which may hang.
std::optional<MountPoint> find_mount(const std::string& path);
// The one that a call on `path` would reach, if it is one of ours: of those on one path the
// one on top. Does not ask its file system either.
std::optional<MountPoint> mount_seen_at(const std::string& path);

// Unmounts if nobody uses it. 0 or -errno (-EBUSY).
int unmount_unused(const std::string& path);
// Detaches it from the tree; it ends when nobody uses it any more. 0 or -errno.
int unmount_lazily(const std::string& path);
// As lazily; and requests that wait for an answer fail.
void unmount_by_force(const std::string& path);

// Waits until the process is gone. False: not in time.
bool wait_for_end(int pid, std::chrono::milliseconds timeout);

// Overwrites passwords among the arguments that ps(1) shows: inside URLs, and behind keys
// whose name says so, such as "-o meta.password=…".
void hide_passwords(int argc, char** argv);

}  // namespace fastmeta::host
