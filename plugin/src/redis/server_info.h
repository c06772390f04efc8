// SPDX-License-Identifier: GPL-3.0-or-later
// What INFO says.
#pragma once

#include <string>
#include <string_view>

#include "redis/client.h"
#include "redis/connection.h"
#include "redis/dialer.h"

namespace fastmeta::redis {

ServerInfo parse_info(std::string_view text);

// Asks, and refuses a server that we cannot work with (kConfig).
Result<ServerInfo> inspect_server(const Dialer& dialer, Connection& connection,
                                  Deadline deadline);

}  // namespace fastmeta::redis
