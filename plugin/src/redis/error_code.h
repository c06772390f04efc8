// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "redis/reply.h"

namespace fastmeta::redis {

// The first word of an error reply: OOM, NOAUTH, ERR …
std::string_view error_code(const Reply& reply);

}  // namespace fastmeta::redis
