// SPDX-License-Identifier: GPL-3.0-or-later
// Fills the local rows with what the server answers, and lists directories.
//
// Threads: any. No lock is held while the server is asked, nor a transaction open.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "engine/executor.h"
#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/parts.h"
#include "engine/fetcher.h"
#include "redis/scan.h"

namespace fastmeta::engine {

class Mirror {
 public:
  explicit Mirror(Parts& parts) : parts_(parts), fetcher_(parts.client, parts.keys, 0) {}

  // Asks the server for these reads, keeps the answers in `into` and stores those that
  // still hold. A directory's count brings its entries, unless there are too many.
  Result<void> fetch(std::span<const model::ReadKey> wanted, Fetched& into);

  // All entries of a directory as the server has them, stored when they still hold at
  // the end. `most`: beyond it kAnswer EFBIG, nothing stored; the server's own count is asked
  // before much is read.
  Result<model::RawValue> list(model::Ino dir, size_t most);
  // The same by the page, stored nowhere.
  redis::Scan scan_of(model::Ino dir) const;
  // Reads the directory again when its listing was complete and no longer holds.
  Result<void> refresh(model::Ino dir);
  // Are all entries of the directory in rows, maybe old ones?
  Result<bool> holds_all(store::Transaction& transaction, model::Ino dir);
  // Are all entries known, so that no name of it has to be asked for?
  Result<bool> complete(model::Ino dir);

  struct Stats {
    uint64_t hits = 0, misses = 0, fetches = 0, listings = 0;
  };
  Stats stats() const;
  void count(const LocalView::Counts& counts) {
    hits_.fetch_add(counts.hits, std::memory_order_relaxed);
    misses_.fetch_add(counts.misses, std::memory_order_relaxed);
  }

  // Entries beyond which a directory is not listed for the sake of its emptiness, nor
  // read again in the background.
  static constexpr size_t kSmall = 10'000;

 private:
  Result<uint64_t> count_of(model::Ino dir);
  Result<void> store(std::span<const std::pair<model::ReadKey, model::RawValue>> answers,
                     Token token);

  Parts& parts_;
  Fetcher fetcher_;
  std::atomic<uint64_t> hits_{0}, misses_{0}, fetches_{0}, listings_{0};
};

}  // namespace fastmeta::engine
