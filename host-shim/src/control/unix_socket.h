// SPDX-License-Identifier: GPL-3.0-or-later
// Unix sockets by path.
#pragma once

#include <optional>
#include <string>

namespace fastmeta::host {

// A listening socket that only its owner may connect to. Takes the place of a socket
// file that nobody listens on; with `replace` of any. -1 on failure.
int listen_unix(const std::string& path, bool replace, std::string* why);
// -1 on failure, *why: the reason.
int connect_unix(const std::string& path, std::string* why);
// Whose process is at the other end; nothing when it cannot be told.
std::optional<unsigned int> peer_of(int connection);
// False when the other side is gone or takes nothing for long.
bool send_all(int fd, const std::string& bytes);

}  // namespace fastmeta::host
