// SPDX-License-Identifier: GPL-3.0-or-later
// What the server has taken becomes the local truth: the rows' bases follow the EXEC,
// their pending changes end, the records move to table kApplied. In steps, each one
// transaction under the stripes of its inodes, beside running writers; a crash between
// two leaves records that the cursor tells to be applied.
//
// Threads: the worker's.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/fastmeta/applied_window.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/oplog_window.h"
#include "engine/fastmeta/parts.h"
#include "engine/fastmeta/sync_batch.h"

namespace fastmeta::engine {

class RowWriter;

class Settler {
 public:
  static constexpr size_t kStep = 256;  // records
  static constexpr int kRetriesMax = 1000;

  Settler(Parts& parts, OplogWindow& window, AppliedWindow& applied, Progress& progress)
      : parts_(parts), window_(window), applied_(applied), progress_(progress) {}

  // low: of the cursor that was written with it. Run again after an error: it goes on.
  Result<void> settle(const SyncBatch& batch, uint64_t low);
  // Known by the cursor only: an EXEC of an earlier connection or start.
  Result<void> settle_known(std::span<const PendingPtr> items, uint64_t low);

  // Records that need not be sent; what others that are pending have made of the same rows
  // stays. Not empty.
  Result<void> forget(std::span<const PendingPtr> items);

  // Run by `change` in a transaction; again while other transactions interfere.
  template <typename Change>
  static Result<void> transact(store::Tables& tables, Change&& change) {
    for (int tries = 0;; ++tries) {
      auto done = [&]() -> Result<void> {
        MDP_TRY(auto transaction, tables.begin());
        MDP_TRY_VOID(change(*transaction));
        return transaction->commit();
      }();
      if (done || done.error().fault != Fault::kConflict || tries >= kRetriesMax) return done;
    }
  }

 private:
  struct Step;
  std::vector<Step> steps(std::span<const PendingPtr> items,
                          const std::vector<model::Write>& merged) const;
  Result<void> run(const Step& step, const Token& token, uint64_t low);
  void tell_differences(const SyncBatch& batch);
  // attrs: of inodes that from now on show others than were shown.
  Result<void> end_pending(RowWriter& rows, const model::Write& write, uint64_t seq,
                           std::set<model::Ino>& attrs) const;
  // Of a name that nothing is pending over.
  Result<bool> known_absent(RowWriter& rows, const std::string& dir,
                            const std::string& name) const;

  Parts& parts_;
  OplogWindow& window_;
  AppliedWindow& applied_;
  Progress& progress_;
};

}  // namespace fastmeta::engine
