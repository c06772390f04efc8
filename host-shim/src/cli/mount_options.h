// SPDX-License-Identifier: GPL-3.0-or-later
// What is given with -o: options of mount(8), and keys of the configuration.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fastmeta::host {

struct MountOptions {
  std::vector<std::string> kernel;  // for the kernel and libfuse, as they are
  std::vector<std::string> keys;    // "key.path=value"
  std::optional<bool> allow_other;
  bool read_only = false;
  std::string fsname;
};

// arguments: each of one -o, with commas between options; "\," is a comma. Nothing
// when one of them is unknown, *why names it.
std::optional<MountOptions> parse_mount_options(const std::vector<std::string>& arguments,
                                                std::string* why);

}  // namespace fastmeta::host
