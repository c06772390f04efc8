// SPDX-License-Identifier: GPL-3.0-or-later
// The whole life of a mount, from an opened plugin to the last flush.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/host_config.h"
#include "mount/open_volume.h"

namespace fastmeta::host {

struct MountRequest {
  VolumeArgs volume;               // its mount_point is set
  std::string plugin;              // path
  HostConfig config;
  std::vector<std::string> options;  // of mount -o, for the kernel
  std::optional<bool> allow_other;   // asked for on the command line
  std::string fsname;                // asked for on the command line
  bool foreground = false;
};

// Returns when the file system is unmounted, in the background too: the command's
// parent has long gone then. The exit code; errors are on stderr as one line.
int run_mount(const MountRequest& request);

}  // namespace fastmeta::host
