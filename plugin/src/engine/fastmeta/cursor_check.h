// SPDX-License-Identifier: GPL-3.0-or-later
// What the server's cursor says after a connect, or when it is not what we left there:
// which records it has, which it has forgotten, or that it is not ours.
//
// Threads: the worker's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/fastmeta/applied_window.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/oplog_window.h"
#include "engine/fastmeta/parts.h"
#include "model/client_cursor.h"

namespace fastmeta::engine {

struct CursorFound {
  model::ClientCursor cursor;         // to go on from
  std::string refusal;                // not empty: nothing may be sent; says what to do
  std::vector<PendingPtr> forgotten;  // applied once, to be offered again; ascending
};

class CursorCheck {
 public:
  CursorCheck(Parts& parts, const Identity& identity) : parts_(parts), identity_(identity) {}

  // known_highest: of any number that was given here. first: of this start, so that the
  // server may know numbers which a power loss has taken from us.
  Result<CursorFound> compare(const std::optional<std::string>& value, const Progress& progress,
                              uint64_t known_highest, bool first) const;

  // Puts forgotten records back into the oplog, and the rows' pending changes in order
  // again, all of them under the stripes concerned.
  Result<void> offer_again(const std::vector<PendingPtr>& forgotten) const;

 private:
  // Kept records that the cursor does not hold. kCorrupt: one is unreadable.
  Result<std::vector<PendingPtr>> forgotten(const model::ClientCursor& cursor) const;
  // A number that was applied and is not kept any more, that the cursor does not hold.
  Result<std::optional<uint64_t>> lost(const model::ClientCursor& cursor,
                                       const Progress& progress) const;

  Parts& parts_;
  const Identity& identity_;
};

}  // namespace fastmeta::engine
