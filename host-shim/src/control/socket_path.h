// SPDX-License-Identifier: GPL-3.0-or-later
// Where the control socket of a mount lies.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fastmeta::host {

// "/run/fastmeta/0-57.sock" for the mount of device "0:57": the device is the same
// from wherever the mount is seen, and the client learns of it without touching the
// mount. Made for this user's daemons; the folder is created. Nothing on failure.
std::optional<std::string> own_socket_path(const std::string& device, std::string* why);

// Where a daemon of that user may have put it, best first. Folders into which others may
// put something are left out.
std::vector<std::string> socket_candidates(const std::string& device, unsigned int user);

}  // namespace fastmeta::host
