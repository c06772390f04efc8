// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/batch_send.h"

#include <cerrno>
#include <unordered_set>

#include "engine/redis_commands.h"
#include "util/log.h"

namespace fastmeta::engine {

using redis::Command;
using redis::Reply;

void merge_batch(const model::KeySpace& keys, SyncBatch& batch) {
  batch.merged = model::merge(batch.mutations);
  batch.stats_here.clear();
  // A row that the batch itself makes is there.
  std::unordered_set<std::string> made;
  const std::string row = keys.plain(model::kDirUsedSpace);
  for (const model::Write& write : batch.merged.writes)
    if (write.key == row && write.op == model::WriteOp::kHSet) made.insert(write.field);
  std::erase_if(batch.merged.dir_stats, [&](const model::DirStatDelta& delta) {
    auto known = batch.has_stats.find(delta.dir);
    const bool there = (known != batch.has_stats.end() && known->second) ||
                       made.contains(std::to_string(delta.dir));
    if (there) batch.stats_here.push_back(delta);
    return there;
  });
}

std::vector<Command> write_commands(const model::KeySpace& keys, const SyncBatch& batch,
                                    const std::string& client_key) {
  std::vector<Command> commands;
  commands.reserve(batch.merged.writes.size() + batch.stats_here.size() * 3 + 1);
  for (const model::Write& write : batch.merged.writes) commands.push_back(to_command(write));
  for (const model::DirStatDelta& delta : batch.stats_here) {
    auto add = [&](std::string_view name, int64_t by) {
      if (by != 0)
        commands.push_back(
            {"HINCRBY", keys.plain(name), std::to_string(delta.dir), std::to_string(by)});
    };
    add(model::kDirDataLength, delta.length);
    add(model::kDirUsedSpace, delta.space);
    add(model::kDirUsedInodes, delta.inodes);
  }
  commands.push_back({"SET", client_key, batch.cursor});
  return commands;
}

std::vector<Command> exec_block(std::vector<Command> writes) {
  std::vector<Command> block;
  block.reserve(writes.size() + 2);
  block.push_back({"MULTI"});
  for (Command& write : writes) block.push_back(std::move(write));
  block.push_back({"EXEC"});
  return block;
}

Result<void> judge_exec(SyncBatch& batch, const std::vector<Command>& block,
                        const std::vector<Reply>& replies) {
  if (replies.size() < block.size())
    return Error{Fault::kUnreachable, EIO, "the server answered fewer commands than were sent"};
  const Reply& exec = replies[block.size() - 1];
  if (exec.nil()) return Error{Fault::kConflict, EIO, {}};
  if (exec.is_error()) {
    // Nothing was applied; the queued command that was refused tells why.
    for (size_t i = 0; i + 1 < block.size(); ++i)
      if (replies[i].is_error()) return redis::refused(replies[i], block[i][0]);
    return redis::refused(exec, "EXEC");
  }
  if (exec.items.size() != block.size() - 2)
    return Error{Fault::kUnreachable, EIO,
                 "the server answered EXEC with another number of replies"};
  for (size_t i = 0; i < exec.items.size(); ++i) {
    if (!exec.items[i].is_error()) continue;
    const Command& refused = block[i + 1];
    return Error{Fault::kCorrupt, EIO,
                 fmt::format("key {}: {} was refused inside a transaction whose rest took "
                             "effect: {}",
                             quote(refused.size() > 1 ? refused[1] : std::string()), refused[0],
                             quote(exec.items[i].text))};
  }
  for (const model::SliceRelease& release : batch.merged.releases)
    if (exec.items[release.write].number < 0) batch.unreferenced.push_back(release);
  return {};
}

}  // namespace fastmeta::engine
