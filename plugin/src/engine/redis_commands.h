// SPDX-License-Identifier: GPL-3.0-or-later
// Between the model's reads and writes and the commands of the server.
#pragma once

#include <string>
#include <vector>

#include "model/mutations.h"
#include "model/read_key.h"
#include "redis/reply.h"
#include "util/result.h"

namespace fastmeta::engine {

redis::Command to_command(const model::ReadKey& read);

// The answer to `read`. An error reply: kRefused (WRONGTYPE: kCorrupt, naming the
// key); a reply of another shape: kCorrupt.
Result<model::RawValue> to_value(const model::ReadKey& read, redis::Reply&& reply);

redis::Command to_command(const model::Write& write);

}  // namespace fastmeta::engine
