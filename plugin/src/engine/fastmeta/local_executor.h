// SPDX-License-Identifier: GPL-3.0-or-later
// The executor of mode fast-meta. A read is answered from the local rows, filled from
// the server as needed. An operation is one local transaction that holds the changed
// rows and the oplog record; it is acknowledged when that is committed (I1).
//
// What is no operation of a user goes to the server, see Executor::write.
//
// Threads: any. Stripes first, then the order lock; neither is held while the server is
// asked or the backlog is waited for.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/executor.h"
#include "engine/fastmeta/held_locks.h"
#include "engine/fastmeta/mirror.h"
#include "engine/fastmeta/parts.h"
#include "engine/fastmeta/sacrifices.h"
#include "model/oplog_record.h"

namespace fastmeta::engine {

class LocalExecutor final : public Executor {
 public:
  struct Volume {
    std::function<model::VolumeFacts()> facts;
    // An error while changes are refused. content: it is data of a file that is open,
    // which is still accepted when only the connection is lost.
    std::function<Result<void>(bool content)> may_write;
  };

  LocalExecutor(Parts& parts, Mirror& mirror, Executor& server, const HeldLocks& locks,
                const Sacrifices& sacrifices, Volume volume)
      : parts_(parts),
        mirror_(mirror),
        server_(server),
        locks_(locks),
        sacrifices_(sacrifices),
        volume_(std::move(volume)) {}

  Result<void> read(const ReadRule& rule, bool fresh) override;
  Result<void> write(const WriteRule& rule, const WriteHints& hints) override {
    return server_.write(rule, hints);
  }
  Result<model::OperationReply> apply(const model::Operation& operation,
                                      const WriteHints& hints) override;

  // Numbers are given from this one on; before the first operation.
  void first_seq(uint64_t seq) { next_seq_ = seq; }

 private:
  std::optional<model::Operation> renumbered(const model::Operation& operation) const;
  std::optional<uint64_t> undone_by(const model::Operation& operation) const;
  Error keep_later(uint64_t conflict, const model::Operation& operation, const WriteHints& hints);
  void tell_other_numbers(const model::Operation& operation);
  // One run on one snapshot. kMissing: `needed` has to be fetched; kConflict: once more.
  struct Run {
    std::vector<model::ReadKey> needed;
    std::vector<model::Ino> inodes;  // that it read or wanted to write
    uint64_t seq = 0;                // of the record; 0: nothing was to be written
  };
  Result<model::OperationReply> attempt(const model::Operation& operation,
                                        const WriteHints& hints, const Fetched& fetched,
                                        const Stripes::Held& held, Run& run);
  Result<void> commit(store::Transaction& transaction, const LocalView& view,
                      const model::Operation& operation, const model::OperationReply& reply,
                      const model::Mutations& changes, const WriteHints& hints, Run& run);

  Parts& parts_;
  Mirror& mirror_;
  Executor& server_;
  const HeldLocks& locks_;
  const Sacrifices& sacrifices_;
  const Volume volume_;

  std::mutex order_mutex_;  // from the number of a record to its commit
  uint64_t next_seq_ = 1;   // guarded by it
};

// Runs a reading rule on the local rows, fetching what is missing.
Result<void> read_locally(Parts& parts, Mirror& mirror, const model::VolumeFacts& facts,
                          const ReadRule& rule, bool fresh);

}  // namespace fastmeta::engine
