// SPDX-License-Identifier: GPL-3.0-or-later
// Changes of rows inside a transaction of the local store: a pending write, the
// server's answer, the outcome of an EXEC, undo. Each keeps the invariants of row.h.
//
// One per transaction. The caller holds the stripes of the inodes concerned, except
// for fill(), which writes bases only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fastmeta/row.h"
#include "engine/fastmeta/validity.h"
#include "model/mutations.h"
#include "model/read_key.h"
#include "store/tables.h"

namespace fastmeta::engine {

class RowWriter {
 public:
  RowWriter(store::Transaction& transaction, const model::KeySpace& keys,
            const Validity& validity)
      : transaction_(transaction), keys_(keys), validity_(validity) {}

  // Is the key one of those that are mirrored (i d p c s x)?
  bool mirrored(std::string_view key) const { return keys_.parse(key).has_value(); }

  // A pending write of record `seq` over what is there. Keys that are not mirrored are
  // left out. A SET of an i key that `is_new` starts the inode's life (row.h, 4).
  Result<void> pending(const model::Write& write, uint64_t seq, bool is_new);

  // The server's answer to a read that was registered at `token`. Older than what is
  // there: nothing changes. kHash makes the marker complete, kHashCount 0 too.
  Result<void> fill(const model::ReadKey& read, const model::RawValue& answer, Token token);

  // What an EXEC that was sent at `sent` has written: the base follows. For lists and
  // deltas the old base must hold, otherwise it becomes unknown.
  Result<void> applied(const model::Write& write, Token sent);

  // A local write of record `seq` is no longer pending: the server has it (applied()
  // was called for it), or it was undone. What newer records have written stays.
  // ended: the row of a single value as it was, if nothing is pending over it any more.
  Result<void> settled(const model::Write& write, uint64_t seq,
                       std::optional<Row>* ended = nullptr);

  // Undo: all that is pending over the rows of this write is dropped; the base shows.
  // Writes of records that stay have to be made pending() again.
  Result<void> drop_pending(const model::Write& write);

  Result<Row> load(const std::string& row);
  // A blank row is erased.
  Result<void> save(const std::string& row, const Row& value);

 private:
  Result<void> each_field(std::string_view hash,
                          const std::function<Result<void>(const std::string& row, Row)>& visit);

  store::Transaction& transaction_;
  const model::KeySpace& keys_;
  const Validity& validity_;
};

}  // namespace fastmeta::engine
