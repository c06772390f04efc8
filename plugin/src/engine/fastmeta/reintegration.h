// SPDX-License-Identifier: GPL-3.0-or-later
// The sync worker: takes the oldest records of the oplog, runs their rules against the
// server's state and commits a batch of them by one MULTI … EXEC on the connection that
// carries tracking. See doc/fast-meta.md for the order of things.
//
// Threads: cycle() by one thread at a time (its own between start and stop, a simulation
// without them); the rest any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "engine/executor.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/parts.h"
#include "engine/fastmeta/sacrifices.h"
#include "model/client_cursor.h"
#include "util/result.h"

namespace fastmeta::engine {

class Reintegration {
 public:
  // What only the volume knows.
  struct Volume {
    // The end of the local log may be missing: the server may know numbers that we do not.
    bool unclean_start = false;
    // Why settings as the server has them (nothing: none) are not those of our volume; empty:
    // they are. Another volume must not get our changes.
    std::function<std::string(const std::optional<std::string>& setting)> stranger;
    // As now: session, trash, dir stats. Capacity and inode limit are ignored.
    std::function<model::VolumeFacts()> facts;
    // The trash directory of the current hour (the first call in an hour asks the server).
    std::function<Result<model::Ino>()> trash_now;
    // Whether the directory has rows of statistics in the server; counts it if need be.
    std::function<Result<bool>(model::Ino dir)> ensure_statistics;
    // Reasons to be read-only that only a person ends: too many conflicts, a damaged
    // server, a cursor that is not ours. Empty text: over.
    std::function<void(std::string)> refuse_writes;
    std::function<void(std::string)> store_failed;  // for good
    // The backlog holds no recovered record any more (called once a connection); of the
    // connection with this epoch.
    std::function<void(uint64_t)> recovered;
  };

  Reintegration(Parts& parts, Effects& effects, Sacrifices& sacrifices, Volume volume,
                Identity identity);
  ~Reintegration();

  // Reads the oplog into the backlog; before start() and before any writer.
  Result<void> load();
  // The number for the next record must be above this; valid after connected().
  // After each connect, before batches are sent: reads the server's cursor and compares
  // (architecture: behind, equal, ahead, of another incarnation). Offers applied records
  // again when the server went back within the kept window. Calls refuse_writes when it
  // cannot go on. Done by cycle() itself when the client's epoch() has changed.

  // One step: at most one batch is planned and sent, or one reply taken. Answers whether
  // there was anything to do. An error of the connection is remembered for the backoff;
  // records stay.
  Result<bool> cycle();

  void start();
  // Ends the thread; what is sent is waited for at most one deadline.
  void stop();

  // After refuse_writes because of conflicts: go on.
  void resume();

  // The highest number that the server or the table ever showed for this incarnation.
  uint64_t highest_seq() const;
  // A staged slice is durable now.
  void slice_durable(model::Ino ino, uint64_t slice);
  // Everything acknowledged from now on follows this file's slices (close or fsync).
  void content_barrier(model::Ino ino);

  struct Stats {
    uint64_t batches = 0, applied = 0, nils = 0, scripts = 0, retries = 0, cancelled = 0;
    uint64_t conflicts = 0, adopted = 0, content_overwrites = 0, waiting_for_data = 0;
  };
  Stats stats() const;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace fastmeta::engine
