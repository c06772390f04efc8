// SPDX-License-Identifier: GPL-3.0-or-later
// The tables in a WiredTiger database of their own: one per volume, opened by one
// process at a time. See doc/store.md for files, levels and recovery.
//
// Threads: any. A checkpoint thread and, at level flush, a flusher run from open
// to destruction.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "store/tables.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::store {

enum class Durability : uint8_t {
  kProcess,  // a commit survives the end of this process, not of the machine
  kFlush,    // … and of the machine, but for the last flush_interval
  kDisk,     // the caller syncs before it acknowledges
};

struct StoreOptions {
  std::string dir;     // made when absent, with its parents, mode 0700
  std::string volume;  // UUID; a database of another volume is refused
  uint64_t cache_bytes = uint64_t{256} << 20;
  Durability durability = Durability::kProcess;
  std::chrono::milliseconds flush_interval{100};
  std::chrono::milliseconds checkpoint_interval{30000};
  uint64_t checkpoint_log_bytes = uint64_t{256} << 20;  // … or after so much log
  // Beside the preallocated log; below it may_write() refuses, far below commit() too.
  // 0: neither does.
  uint64_t free_space_reserve = uint64_t{256} << 20;
};

class Store : public Tables {
 public:
  // kConfig: of another volume (both UUIDs), of a newer format, open elsewhere (which
  // process), not a directory of ours. kLocalStore: torn or unreadable; says what to do.
  static Result<std::unique_ptr<Store>> open(StoreOptions options, Log log);

  // The last stop was not clean (or this is the first start): the tail of the log
  // may be missing at levels below kDisk.
  virtual bool unclean_start() const = 0;
  // What recovery found to be more than a torn end of the log, so that records
  // behind it are lost; lines for people. Empty: nothing of that kind.
  virtual std::string recovery_damage() const = 0;
  // To be called last, when nothing uses the store any more: the next start is clean.
  virtual Result<void> close_clean() = 0;

  virtual Result<void> checkpoint() = 0;
  // Gives space of removed rows back to the file system; may take long.
  virtual Result<void> compact() = 0;
  // Reads everything and checks it; one line per damage found, empty: sound.
  virtual Result<std::string> verify() = 0;
};

// Removes the database's files, those only. Refused (kConfig) while it is open.
Result<void> drop_store(const std::string& dir);
// Whether a database of ours is there.
bool store_exists(const std::string& dir);

}  // namespace fastmeta::store
