// SPDX-License-Identifier: GPL-3.0-or-later
// Statistics of directories (length, space, number of direct children): changes
// are gathered per directory and added to the server's rows by flush(). A row
// that is missing is computed anew from the directory.
//
// Threads: add() any; flush() one at a time.
#pragma once

#include <mutex>
#include <unordered_map>

#include "model/mutations.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::engine {

class DirStats {
 public:
  DirStats(redis::Client& client, const model::KeySpace& keys, Log log);

  void add(const std::vector<model::DirStatDelta>& deltas);
  // What cannot be sent stays for the next call, unless its outcome is unknown.
  Result<void> flush();
  size_t pending() const;
  // Whether the directory has rows now; one that has none is counted. Changes that were
  // not sent yet are not in them.
  Result<bool> ensure(model::Ino dir);

 private:
  struct Sum {
    int64_t length = 0, space = 0, inodes = 0;
  };
  using Sums = std::unordered_map<model::Ino, Sum>;

  Result<void> flush_some(const std::vector<std::pair<model::Ino, Sum>>& some);
  Result<void> recompute(model::Ino dir);
  void put_back(const std::vector<std::pair<model::Ino, Sum>>& some);

  redis::Client& client_;
  const model::KeySpace& keys_;
  const Log log_;
  mutable std::mutex mutex_;
  Sums sums_;
};

}  // namespace fastmeta::engine
