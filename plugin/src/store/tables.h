// SPDX-License-Identifier: GPL-3.0-or-later
// The local store as its users see it: a few ordered tables of bytes and
// transactions over them with snapshot isolation. What the bytes mean is the
// engine's. Behind it is WiredTiger (store.h); tests may put tables in memory there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.h"

namespace fastmeta::store {

// Their names on disk are fixed; append only.
enum class Table : uint8_t {
  kRows,      // mirrored values of the server with our pending changes over them
  kOplog,     // records by sequence number, 8 bytes big-endian
  kApplied,   // records that the server has taken, kept for a while
  kJournal,   // conflicts by number, 8 bytes big-endian
  kIdentity,  // who we are and how far: a handful of rows
};
inline constexpr size_t kTableCount = 5;

// One transaction, for one thread at a time. Destruction without commit rolls
// back. A snapshot is taken at the first access. Errors: kConflict when another
// transaction has written what this one writes (roll back, run again), kLocalStore
// when the store is broken (latched) or full (ENOSPC); a commit that is refused has
// written nothing. No key is empty: none such is found, to put one is a bug.
class Transaction {
 public:
  virtual ~Transaction() = default;

  virtual Result<std::optional<std::string>> get(Table table, std::string_view key) = 0;
  virtual Result<void> put(Table table, std::string_view key, std::string_view value) = 0;
  virtual Result<void> erase(Table table, std::string_view key) = 0;

  // In ascending order from the first key >= `from`, own writes included, until
  // `visit` answers false or the table ends. The views live for that call only;
  // visit must not use this transaction.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Result<void> scan(Table table, std::string_view from, const Visit& visit) = 0;

  // Then the transaction is over. At durability kProcess and kFlush the log record
  // has been handed to the kernel on return; at kDisk a sync() has to follow.
  virtual Result<void> commit() = 0;
};

class Tables {
 public:
  virtual ~Tables() = default;

  // Never blocks on another transaction. Any thread; the transaction stays there.
  virtual Result<std::unique_ptr<Transaction>> begin() = 0;

  // Every commit that returned before this call survives a power loss when it
  // returns. Callers at the same time share one fsync.
  virtual Result<void> sync() = 0;

  // ENOSPC while free space is below the reserve, EIO when broken. Cheap: the disk
  // is asked at most a few times a second.
  virtual Result<void> may_write() = 0;

  struct Stats {
    uint64_t bytes_on_disk = 0;    // of the database, without its log
    uint64_t bytes_reusable = 0;   // of these: free inside its files, as of the last checkpoint
    uint64_t log_bytes = 0;
    uint64_t bytes_in_cache = 0;   // of WiredTiger, in memory
    // Of table kRows; nothing: they are still being counted. After a stop that was not clean
    // it may be off by what was written while they were.
    std::optional<uint64_t> rows;
    uint64_t commits = 0, rollbacks = 0, syncs = 0;
  };
  virtual Stats stats() const = 0;
};

// 8 bytes, so that numbers sort as keys.
std::string number_key(uint64_t number);
// kCorrupt when it is not 8 bytes.
Result<uint64_t> key_number(std::string_view key);

}  // namespace fastmeta::store
