// SPDX-License-Identifier: GPL-3.0-or-later
// A mount in mode fast-meta that can die at any of its commits or waits and start again on
// the tables that it left; its local store can fail, too.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/plugin_config.h"
#include "engine/fastmeta/journal_entry.h"
#include "engine/fastmeta/local_executor.h"
#include "engine/fastmeta/mirror.h"
#include "engine/fastmeta/reintegration.h"
#include "engine/passthrough/passthrough.h"
#include "engine/session_keeper.h"
#include "memory_tables/memory_tables.h"
#include "sim/client.h"
#include "sim/local_tables.h"
#include "sim/store_faults.h"

namespace fastmeta::sim {

class FastClient final : public SimMount {
 public:
  FastClient(SimServer& server, LinkState& link, std::string name, uint64_t number);
  ~FastClient() override;

  void start();
  // At once; faults() can do it in the middle of a commit.
  void kill();
  StoreFaults& faults() { return faults_; }
  // Clean rows go all the time; before it starts.
  bool trimmed = false;
  // Rows that went, and passes that touched a pending change.
  uint64_t evicted() const;
  uint64_t spoilt() const;
  bool alive() const { return life_ != nullptr; }
  // 0: it has none yet.
  uint64_t session() const override;
  // Those of lives that have ended.
  const std::set<uint64_t>& dead_sessions() const { return dead_sessions_; }
  // After it was killed, once nothing of it runs. power: the machine went down, and of what
  // was not synced only so many commits are left.
  void bury(std::optional<size_t> power = std::nullopt);
  size_t unsynced_commits() const { return tables_.unsynced_commits(); }

  const std::string& name() const override { return name_; }
  const ProcessPtr& process() const override { return process_; }
  bool ready() const override;
  bool decided() const override;
  engine::Executor& executor() override;
  engine::OpenTable& open() override;
  SimClient& redis() override;
  bool remembers() override;
  std::unique_ptr<engine::DirReader> opendir(model::Ino dir) override;
  OwnChange own(const std::string& row) const override;
  uint64_t own_changes() const override { return own_changes_; }
  const std::set<std::string>& pending() const override { return pending_; }
  engine::Row row(const std::string& row) override;
  bool settled() const override;
  engine::DirStats& statistics() override;
  SimHost& host() override { return host_; }
  engine::Executor& server() override;
  bool has_trash() const override { return server_.settings.trash; }
  engine::TrashHour& trash_hour() override;
  model::Ino trash_until_sent() const override;
  void lock_granted(model::Ino ino, uint64_t owner) override;
  void release_lock(model::Ino ino, uint64_t owner, const engine::WriteRule& rule) override;
  engine::LockReleases& lock_releases() override;
  uint64_t refusals(int code) const override { return faults_.refusals(code); }
  void slice_durable(model::Ino ino, uint64_t slice) override;
  void barrier(model::Ino ino) override;

  const std::string& refused() const { return refused_; }
  size_t journalled();
  std::vector<engine::JournalEntry> journal();
  engine::Reintegration::Stats stats() const;

 private:
  struct Life;
  Result<model::OperationReply> carry_out(const model::Operation& operation,
                                          const engine::WriteHints& hints) override;
  void work();
  void open_session();
  void keep_session();
  // What a commit has done to a row. before: as it was if something was pending over it.
  void changed(const std::string& row, bool pending, const std::string& before);
  void find_pending();

  SimServer& server_;
  LinkState& link_;
  const std::string name_;
  const uint64_t number_;
  test::MemoryTables tables_;
  StoreFaults faults_;
  SimHost host_;
  ProcessPtr process_;
  uint64_t starts_ = 0;
  std::string refused_;
  std::unique_ptr<Life> life_;
  std::unordered_map<std::string, OwnChange> own_;  // rows that had pending changes
  std::set<std::string> pending_;
  uint64_t own_changes_ = 0;
  uint64_t evicted_ = 0, spoilt_ = 0;  // of earlier lives
  std::set<uint64_t> sessions_, dead_sessions_;
};

}  // namespace fastmeta::sim
