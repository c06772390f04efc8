// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel's end of a mount, as something that can be aborted from outside.
#pragma once

#include <string>

namespace fastmeta::host {

// A file to which a byte is written to abort the connection of the FUSE file system
// on that device ("0:57"); -1 when this kernel or user has none. It belongs to that
// one connection, also after another one was given the same number.
int open_abort_file(const std::string& device);

// Aborts it by that file, and says whether it could.
bool abort_connection(const std::string& device);

// Aborts what is mounted on path, and only if it is the one on that device, without
// an abort file. The mount stays and answers ENOTCONN.
void abort_by_path(const std::string& path, const std::string& device);

}  // namespace fastmeta::host
