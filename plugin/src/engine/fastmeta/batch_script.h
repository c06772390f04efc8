// SPDX-License-Identifier: GPL-3.0-or-later
// A batch as a compare-and-apply script, for directories that others write so often that
// WATCH over a long link never succeeds: what the rules relied on is compared per field,
// attributes of directories whose entries change are patched (links by difference, times
// never back), all in one moment of the server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/fastmeta/sync_batch.h"
#include "model/schema/keys.h"
#include "redis/reply.h"
#include "util/result.h"

namespace fastmeta::engine {

// The batch was read with keep_raw and run. writes: of write_commands(). The client key
// has to be `cursor` still.
redis::Command script_command(const model::KeySpace& keys, const SyncBatch& batch,
                              const std::string& client_key,
                              const std::optional<std::string>& cursor,
                              const std::vector<redis::Command>& writes);

// The server does not let us run scripts at all; nothing was applied.
bool scripts_refused(const redis::Reply& reply);

// As judge_exec(); kConflict: something is no longer as it was read.
Result<void> judge_script(SyncBatch& batch, const redis::Reply& reply);

}  // namespace fastmeta::engine
