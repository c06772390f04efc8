// SPDX-License-Identifier: GPL-3.0-or-later
// A transaction of WiredTiger, at snapshot isolation.
#pragma once

#include <mutex>

#include "store/counters.h"
#include "store/free_space.h"
#include "store/session_pool.h"
#include "store/tables.h"

namespace fastmeta::store {

class WtTransaction final : public Transaction {
 public:
  struct Shared {
    Latch& latch;
    FreeSpace& space;
    Counters& counters;
    std::mutex& commit_mutex;  // see WtStore
  };

  WtTransaction(SessionPool::Lease lease, Shared shared)
      : lease_(std::move(lease)), shared_(shared) {}
  ~WtTransaction() override;

  Result<std::optional<std::string>> get(Table table, std::string_view key) override;
  Result<void> put(Table table, std::string_view key, std::string_view value) override;
  Result<void> erase(Table table, std::string_view key) override;
  Result<void> scan(Table table, std::string_view from, const Visit& visit) override;
  Result<void> commit() override;

 private:
  enum class State : uint8_t {
    kIdle,      // nothing asked yet, so there is no snapshot
    kRunning,
    kConflict,  // WiredTiger wants it rolled back
    kOver,
  };

  // The cursor, with the transaction begun.
  Result<WT_CURSOR*> access(Table table);
  Result<void> writable(std::string_view key, std::string_view value);
  // Is the key there? The cursor's key is to be set again afterwards.
  Result<bool> there(WT_CURSOR* cursor, std::string_view key);
  Error fail(int code, const char* doing);
  void roll_back();

  SessionPool::Lease lease_;
  const Shared shared_;
  State state_ = State::kIdle;
  uint64_t written_bytes_ = 0;
  int64_t new_rows_ = 0;  // of kRows, removed ones taken off
};

}  // namespace fastmeta::store
