// SPDX-License-Identifier: GPL-3.0-or-later
// A lock that the server has given is a barrier: it counts once every change made by an
// earlier holder is known here.
#pragma once

#include "engine/host.h"
#include "redis/client.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::engine {

// What others changed before the last reply is known here. An error: nobody can tell.
Result<void> await_news(redis::Client& client);
// Right behind the grant; the kernel has heard of it as well. An error: it does not count.
Result<void> await_announced(redis::Client& client, Host& host, const Log& log);

}  // namespace fastmeta::engine
