// SPDX-License-Identifier: GPL-3.0-or-later
// Reads of rules, asked of the server in one round trip. An entry brings the attributes
// of its inode with it where the server lets us run scripts.
//
// Threads: any.
#pragma once

#include <atomic>
#include <span>
#include <utility>
#include <vector>

#include "model/read_key.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/result.h"

namespace fastmeta::engine {

class Fetcher {
 public:
  Fetcher(redis::Client& client, const model::KeySpace& keys) : client_(client), keys_(keys) {}

  // The answers, those of reads that were not asked for among them; an answer may be
  // missing when the server has just refused scripts: ask again.
  using Answers = std::vector<std::pair<model::ReadKey, model::RawValue>>;
  Result<Answers> fetch(std::span<const model::ReadKey> wanted, Deadline deadline);

 private:
  redis::Client& client_;
  const model::KeySpace& keys_;
  std::atomic<bool> scripts_{true};  // the server lets us run them
};

}  // namespace fastmeta::engine
