// SPDX-License-Identifier: GPL-3.0-or-later
// The store over WiredTiger: its parts, put together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/connection.h"
#include "store/counters.h"
#include "store/free_space.h"
#include "store/group_sync.h"
#include "store/identity.h"
#include "store/layout.h"
#include "store/lock_file.h"
#include "store/session_pool.h"
#include "store/store.h"
#include "store/ticker.h"

namespace fastmeta::store {

class WtStore final : public Store {
 public:
  WtStore(StoreOptions options, Log log, LockFile lock);
  ~WtStore() override;

  // The steps of Store::open, in order.
  Result<void> identify();
  Result<void> recover();
  Result<void> start();

  Result<std::unique_ptr<Transaction>> begin() override;
  Result<void> sync() override;
  Result<void> may_write() override;
  Stats stats() const override;

  bool unclean_start() const override { return unclean_; }
  std::string recovery_damage() const override { return latch_.log_damage(); }
  Result<void> close_clean() override;
  Result<void> checkpoint() override;
  Result<void> compact() override;
  Result<std::string> verify() override;

 private:
  Result<void> make_tables();
  Result<void> flush_log();
  void checkpoint_when_due();
  // From the mark that a clean stop has left; without it they have to be counted.
  static std::string clean_mark(int64_t rows);
  void know_rows(std::string_view mark);
  void count_rows();
  void stop_threads();
  Result<SessionPtr> own_session();

  const StoreOptions options_;
  const Layout layout_;
  const Log log_;
  LockFile lock_;
  const std::shared_ptr<Latch> latch_owner_;
  Latch& latch_;
  FreeSpace space_;
  Counters counters_;
  std::mutex commit_mutex_;  // held across WiredTiger's commit of writes
  bool unclean_ = true;
  bool fresh_ = false;  // its tables have to be made

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<SessionPool> sessions_;
  GroupSync group_sync_;
  std::atomic<uint64_t> synced_commits_{0};

  // Of the checkpoint thread.
  uint64_t checkpoint_log_bytes_ = 0, checkpoint_commits_ = 0;
  std::chrono::steady_clock::time_point checkpoint_at_{};
  bool checkpoint_refused_ = false;

  Ticker flusher_, checkpointer_;
};

}  // namespace fastmeta::store
