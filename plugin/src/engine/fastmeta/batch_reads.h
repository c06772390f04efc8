// SPDX-License-Identifier: GPL-3.0-or-later
// One round of WATCH and reads for a batch: what goes out, and where the answers belong.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/fastmeta/sync_batch.h"
#include "model/schema/keys.h"
#include "redis/reply.h"
#include "util/result.h"

namespace fastmeta::engine {

struct ReadRound {
  std::vector<redis::Command> commands;
  std::vector<model::ReadKey> reads;
  std::vector<model::Ino> dirs;
  std::vector<std::pair<uint64_t, std::string>> guards;
  size_t heads = 0;  // commands before the reads: UNWATCH, WATCH
  bool client_key = false;
};

class BatchReads {
 public:
  BatchReads(const model::KeySpace& keys, std::string client_key)
      : keys_(keys), client_key_(std::move(client_key)) {}

  // All that the records of the batch read when they were acknowledged.
  ReadRound first(SyncBatch& batch, bool unwatch) const;
  // What was found missing: `needed`, and keys that will be written without having been
  // watched. Nothing to ask: no commands.
  ReadRound more(SyncBatch& batch, const std::vector<model::ReadKey>& needed) const;

  // `from`: index of the first reply of the round. kRefused: a command was refused.
  Result<void> take(SyncBatch& batch, const ReadRound& round, std::vector<redis::Reply>& replies,
                    size_t from) const;

 private:
  void watch(SyncBatch& batch, redis::Command& command, const std::string& key) const;

  const model::KeySpace& keys_;
  const std::string client_key_;
};

}  // namespace fastmeta::engine
