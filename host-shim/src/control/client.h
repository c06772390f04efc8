// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the daemon of a mount.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "control/protocol.h"
#include "daemon/process.h"

namespace fastmeta::host {

// Nothing when no daemon of that user answers, *why: one line.
std::optional<ControlReply> ask(const std::string& socket, unsigned int user,
                                const ControlRequest& request, std::chrono::milliseconds timeout,
                                std::string* why);
// As above, through the socket of that mount: its daemon is a process of who has mounted it.
std::optional<ControlReply> ask(const MountPoint& mount, const ControlRequest& request,
                                std::chrono::milliseconds timeout, std::string* why);
// Whether such a process listens there; it may be too busy to answer.
bool listens(const MountPoint& mount);

}  // namespace fastmeta::host
