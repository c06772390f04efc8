// SPDX-License-Identifier: GPL-3.0-or-later
// Reads of rules, asked of the server in one round trip. An entry brings the attributes
// of its inode with it, and a small directory its entries, where the server lets us run
// scripts.
//
// Threads: any.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/read_key.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/result.h"

namespace fastmeta::engine {

class Fetcher {
 public:
  // listed_max: entries of a directory that is looked up; 0: they are never asked for.
  Fetcher(redis::Client& client, const model::KeySpace& keys, size_t listed_max)
      : client_(client), keys_(keys), listed_max_(std::to_string(listed_max)) {}

  // The answers, those of reads that were not asked for among them; an answer may be
  // missing when the server has just refused scripts: ask again.
  using Answers = std::vector<std::pair<model::ReadKey, model::RawValue>>;
  Result<Answers> fetch(std::span<const model::ReadKey> wanted, Deadline deadline);
  // The answer holds all entries of the directory `read.key`; no rule asks for that.
  static bool is_listing(const model::ReadKey& read) {
    return read.kind == model::ReadKind::kHash && read.field == kListing;
  }

 private:
  static constexpr const char* kListing = "*";

  redis::Client& client_;
  const model::KeySpace& keys_;
  const std::string listed_max_;
  std::atomic<bool> scripts_{true};  // the server lets us run them
};

}  // namespace fastmeta::engine
