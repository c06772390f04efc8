// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the user may run what a volume needs, found out at open instead of in
// the middle of the work.
#pragma once

#include <string>
#include <vector>

#include "redis/connection.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::redis {

// The names of commands that the user may not run. Nothing is changed: Redis
// checks the permission when a command is queued behind MULTI, and the queue is
// discarded.
Result<std::vector<std::string>> find_refused(Connection& connection, Deadline deadline);

}  // namespace fastmeta::redis
