// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the records of a batch again, in order, against the values that were read. Does
// no I/O: what is missing is answered, and the run goes on from there.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "config/plugin_config.h"
#include "engine/fastmeta/sync_batch.h"
#include "util/log.h"

namespace fastmeta::engine {

class BatchRun {
 public:
  struct Terms {
    Timestamp at;          // of the replay
    model::Ino trash = 0;  // of this hour; 0: nothing of the batch needs it
    config::ContentConflict content = config::ContentConflict::kLast;
  };
  BatchRun(const model::KeySpace& keys, const Log& log, std::atomic<uint64_t>& overwrites)
      : keys_(keys), log_(log), overwrites_(overwrites) {}

  // Nothing missing: the batch is done, up to its clash if there is one. An Error is
  // neither a conflict nor missing: nobody can go on.
  Result<std::vector<model::ReadKey>> run(SyncBatch& batch, const Terms& terms);

 private:
  // nullopt: done. Missing reads are left in the view.
  Result<std::optional<Clash>> one(SyncBatch& batch, const PendingPtr& item, const Terms& terms);
  // Of a file that was open without a name: has it been removed since?
  static bool gone_with_its_file(SyncBatch& batch, const PendingPtr& item, bool& missing);
  std::optional<Clash> broken_reliance(SyncBatch& batch, const PendingPtr& item, bool& missing);
  // Of a copy: whether the replay has copied something else than was shown.
  std::optional<Clash> copied_otherwise(const model::OperationReply& reply, const PendingPtr& item,
                                        const Terms& terms);
  std::optional<Clash> overwritten(SyncBatch& batch, const PendingPtr& item, const Terms& terms);

  const model::KeySpace& keys_;
  const Log& log_;
  std::atomic<uint64_t>& overwrites_;
};

// Does the operation need the trash directory of the hour in which it is replayed?
bool uses_trash(const model::Operation& operation);

}  // namespace fastmeta::engine
