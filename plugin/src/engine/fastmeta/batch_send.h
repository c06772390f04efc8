// SPDX-License-Identifier: GPL-3.0-or-later
// MULTI … EXEC of a batch, and what its replies mean.
#pragma once

#include <string>
#include <vector>

#include "engine/fastmeta/sync_batch.h"
#include "model/schema/keys.h"
#include "redis/reply.h"
#include "util/result.h"

namespace fastmeta::engine {

// Merges the mutations; the statistics of directories whose rows exist go along.
void merge_batch(const model::KeySpace& keys, SyncBatch& batch);

// Writes, statistics and last the client key: what a transaction or a script applies.
std::vector<redis::Command> write_commands(const model::KeySpace& keys, const SyncBatch& batch,
                                           const std::string& client_key);

// Between MULTI and EXEC.
std::vector<redis::Command> exec_block(std::vector<redis::Command> writes);

// replies: those of the whole block, from its MULTI on. kConflict: EXEC answered nil.
// kRefused: nothing was applied. kCorrupt: something was refused inside and the rest
// took effect; names the key. kUnreachable: nobody can tell, the cursor will.
Result<void> judge_exec(SyncBatch& batch, const std::vector<redis::Command>& block,
                        const std::vector<redis::Reply>& replies);

}  // namespace fastmeta::engine
