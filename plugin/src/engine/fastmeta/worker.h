// SPDX-License-Identifier: GPL-3.0-or-later
// What stands behind Reintegration: the state of the worker between two cycles.
//
// Threads: cycle() by one; what others may call is guarded or atomic.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "engine/fastmeta/applied_window.h"
#include "engine/fastmeta/batch_reads.h"
#include "engine/fastmeta/batch_run.h"
#include "engine/fastmeta/batch_send.h"
#include "engine/fastmeta/cursor_check.h"
#include "engine/fastmeta/oplog_window.h"
#include "engine/fastmeta/reintegration.h"
#include "engine/fastmeta/settle.h"
#include "engine/fastmeta/undo.h"
#include "model/batch_order.h"

namespace fastmeta::engine {

class Reintegration::Worker {
 public:
  Worker(Parts& parts, Effects& effects, Sacrifices& sacrifices, Volume volume,
         Identity identity);

  Result<void> load();
  Result<bool> cycle();
  void run();

  // From other threads.
  void stop() { stopping_.store(true); }
  bool stopping() const { return stopping_.load(); }
  void resume();
  uint64_t highest_seq() const { return highest_.load(); }
  void slice_durable(uint64_t slice);
  void content_barrier(model::Ino ino);
  Stats stats() const;

  std::thread thread;

 private:
  // The server's cursor after a connect, or when it is not what it should be.
  Result<void> compare_cursor();
  // Its value, which is watched from then on, and the volume's settings.
  struct Seen {
    std::optional<std::string> cursor, setting;
  };
  Result<Seen> watch_cursor(uint64_t epoch);
  // Writes it with another fence: what an earlier connection or start has sent, and what has
  // not arrived yet, never takes effect. kConflict: it was not what watch_cursor() answered.
  Result<void> fence(uint64_t epoch, model::ClientCursor& cursor);
  Result<void> settle_sent();
  // false: a change without its data was undone, so look again before anything is sent.
  bool look_for_data();
  // The next records to send, at most what a batch may hold.
  SyncBatchPtr select();
  void put_back(const SyncBatchPtr& batch);
  Result<void> round_trip(SyncBatch& batch, ReadRound& round);
  // Reads what the rules miss; up to the batch's end or its first clash.
  Result<void> run_rules(SyncBatch& batch, const BatchRun::Terms& terms);
  // Makes the planned batch ready to be sent. false: there is nothing to be sent of it (now).
  Result<bool> prepare();
  Result<bool> send_planned();
  Result<bool> taken(const SyncBatchPtr& batch, Result<void> judged);
  // true: no other record was concerned.
  Result<bool> give_way(const Clash& clash);
  Result<bool> send_script();
  void cancel_pairs();
  // Statistics of directories go into the transaction; those without rows are counted first.
  Result<void> merge(SyncBatch& batch);
  void refuse(std::string why);
  void tell_recovered();
  model::VolumeFacts facts() const;

  Parts& parts_;
  Effects& effects_;
  const Volume volume_;
  const Identity identity_;
  const std::string client_key_;
  Mirror mirror_;  // for undo
  Progress progress_;
  OplogWindow window_;
  AppliedWindow applied_;
  Settler settler_;
  BatchReads reads_;
  BatchRun run_;
  CursorCheck check_;
  Undo undo_;

  uint64_t epoch_ = 0;  // of the client's connection whose cursor is known; 0: none
  bool first_ = true;   // no cursor has been compared in this life
  bool told_ = false;   // recovered(), of this connection
  bool clean_watch_ = false;  // nothing is watched on this connection
  model::ClientCursor cursor_;
  std::optional<std::string> cursor_text_;
  std::vector<uint64_t> skipped_;  // need no sending; become applied with the next batch

  SyncBatchPtr planned_;               // read under WATCH
  std::deque<SyncBatchPtr> sent_;      // taken by the server, not settled yet
  size_t batch_limit_;                 // commands
  int nils_ = 0;                       // in a row
  bool may_script_ = true;             // the server has not refused EVAL

  std::set<model::Ino> counted_;       // directories that have rows of statistics
  std::deque<Timestamp> conflict_times_;
  std::atomic<bool> stopping_{false}, refused_{false};
  std::atomic<bool> forgive_{false};  // conflict_times_ are of before somebody looked
  std::atomic<uint64_t> highest_{0};

  std::mutex mutex_;  // guards what follows
  std::set<uint64_t> durable_;
  std::deque<model::SequencePoint> points_;

  std::atomic<uint64_t> batches_{0}, applied_count_{0}, nil_count_{0}, scripts_{0}, retries_{0},
      cancelled_{0}, conflicts_{0}, adopted_{0}, overwrites_{0}, no_data_{0};
};

}  // namespace fastmeta::engine
