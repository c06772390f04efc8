// SPDX-License-Identifier: GPL-3.0-or-later
// A true conflict: the record is journalled and undone, what was built on it is run again
// over the server's truth, and what then fails is journalled with it.
//
// Threads: the worker's. Stripes of all that is concerned are held over one local
// transaction; what the rules miss is fetched outside of it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/fastmeta/adoption.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/journal_entry.h"
#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/mirror.h"
#include "engine/fastmeta/oplog_window.h"
#include "engine/fastmeta/parts.h"
#include "engine/fastmeta/pending_uses.h"
#include "engine/fastmeta/sacrifices.h"
#include "engine/fastmeta/sync_batch.h"

namespace fastmeta::engine {

class Undo {
 public:
  Undo(Parts& parts, Sacrifices& sacrifices, Mirror& mirror, Progress& progress)
      : parts_(parts),
        sacrifices_(sacrifices),
        mirror_(mirror),
        progress_(progress),
        uses_(parts.keys) {}

  struct Done {
    std::vector<uint64_t> gone;       // records that are no longer pending
    std::vector<uint64_t> run_again;  // others, which the oplog may have otherwise now
    size_t conflicts = 0;        // of them journalled: the clash and its dependants
    std::optional<Adoption> adopted;
  };
  // The oplog has changed behind the worker's window, by what is answered.
  Result<Done> undo(const Clash& clash, const model::VolumeFacts& facts);
  // Records came back to the oplog.
  void forget() { uses_.clear(); }
  // Called now and then: where there was no conflict for a while nothing of the oplog is kept.
  void rest(Timestamp now);

 private:
  struct Closure;
  // One try on one snapshot; kMissing: `needed`; kConflict: once more, with more stripes.
  Result<void> attempt(Closure& closure, const model::VolumeFacts& facts, const Fetched& fetched);
  Result<void> collect(store::Transaction& transaction, Closure& closure);
  Result<void> drop(store::Transaction& transaction, Closure& closure);
  void journal(Closure& closure, store::Transaction& transaction,
               const model::OplogRecord& record, const std::string& bytes, int error,
               const std::string& reason);
  // Runs a record again over what is there now; a reason: it cannot be what was acknowledged.
  struct Verdict {
    bool missing = false;  // `needed` says what
    std::optional<std::string> broken;
    int error = 0;
  };
  Result<Verdict> run_again(Closure& closure, store::Transaction& transaction,
                            const model::VolumeFacts& facts, const Fetched& fetched,
                            model::OplogRecord& record);
  void tell(Closure& closure);

  Parts& parts_;
  Sacrifices& sacrifices_;
  Mirror& mirror_;
  Progress& progress_;
  PendingUses uses_;
  Timestamp last_;  // conflict
};

}  // namespace fastmeta::engine
