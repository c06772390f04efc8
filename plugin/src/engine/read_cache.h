// SPDX-License-Identifier: GPL-3.0-or-later
// Answers of the server that are remembered, as the executor over the server sees them:
// in memory (value_cache.h), or nothing but word of what was written (fast-meta, whose
// rows are filled elsewhere).
//
// The fill guard: begin() is called before a read is sent, store() after its reply; a
// value counts only when its key was not invalidated in between.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/listing.h"
#include "model/mutations.h"
#include "model/read_key.h"

namespace fastmeta::engine {

class ReadCache {
 public:
  struct Token {
    uint64_t seq = 0;
    uint64_t epoch = 0;
  };
  virtual ~ReadCache() = default;

  virtual Token begin() const = 0;
  virtual void store(const Token& token, const model::ReadKey& read,
                     const model::RawValue& value) = 0;
  virtual void store_listing(const Token& token, const std::string& dir_key,
                             std::shared_ptr<const Listing> listing) = 0;
  virtual std::optional<model::RawValue> find(const model::ReadKey& read) = 0;
  virtual void invalidate(const std::string& key) = 0;
  // `writes`, all of one key, are in the server, and nothing else will tell of them.
  // `token`: of before they were sent, while the key was watched. An invalidation since
  // then is of a change behind ours.
  virtual void wrote(const Token& token, std::span<const model::Write* const> writes) = 0;
};

}  // namespace fastmeta::engine
