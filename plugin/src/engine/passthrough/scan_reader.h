// SPDX-License-Identifier: GPL-3.0-or-later
// An open directory of mode passthrough. A listing that the cache holds is shared;
// otherwise the handle scans the hash page by page and keeps what it has read, and
// offers the whole to the cache when nothing changed meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/dir_reader.h"
#include "engine/listing.h"
#include "engine/passthrough/value_cache.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "redis/scan.h"
#include "util/log.h"

namespace fastmeta::engine {

class ScanReader final : public DirReader {
 public:
  ScanReader(redis::Client& client, const model::KeySpace& keys, ValueCache& cache, Log log,
            model::Ino dir, size_t listing_max);

  // Up to `count` entries from position `from` on; fewer only at the end. Position
  // 0 starts anew with the directory as it is now.
  Result<std::vector<Item>> page(uint64_t from, size_t count, bool with_attrs) override;

 private:
  void restart();
  Result<void> scan_until(uint64_t size);
  Result<void> fill_attrs(std::vector<Item>& items, uint64_t from);

  redis::Client& client_;
  const model::KeySpace& keys_;
  ValueCache& cache_;
  const Log log_;
  const model::Ino dir_;
  const size_t listing_max_;

  std::shared_ptr<const Listing> shared_;   // complete, or null
  std::shared_ptr<Listing> own_;            // while scanning, and after
  std::optional<redis::Scan> scan_;
  bool broken_ = false;  // an entry's bytes broke the schema
  ValueCache::Token token_;
};

}  // namespace fastmeta::engine
