// SPDX-License-Identifier: GPL-3.0-or-later
// Who this cache directory is and how far it has come, in table kIdentity. Three rows,
// each with one writer, so that they never make each other's transactions fail.
#pragma once

#include <cstdint>
#include <string>

#include "store/tables.h"
#include "util/result.h"

namespace fastmeta::engine {

// Written at a start.
struct Identity {
  std::string client;        // random, 16 hex digits; names our cursor in the server
  uint64_t incarnation = 0;  // of the numbering of records; drawn anew with it
  uint64_t starts = 0;       // the upper part of epochs: epoch = starts << 24 | raises
  bool operator==(const Identity&) const = default;
};

// Written by the worker, in the transaction that settles.
struct Progress {
  uint64_t low = 0;            // the low of the cursor that the server was last seen with
  uint64_t highest_seq = 0;    // of any record that was ever settled
  uint64_t next_conflict = 1;  // number of the next journal entry
  uint64_t trimmed = 0;        // applied records up to it may not be kept any more
  bool operator==(const Progress&) const = default;
};

// Written when ids are leased, and at a clean stop.
struct Leases {
  uint64_t inode_highest = 0, slice_highest = 0;  // the highest numbers ever leased
  uint64_t inode_next = 0, inode_last = 0;        // left by a clean stop; next 0: nothing
  uint64_t slice_next = 0, slice_last = 0;
  bool operator==(const Leases&) const = default;
};

// Default values when the row is not there. kCorrupt: unreadable.
Result<Identity> load_identity(store::Transaction& transaction);
Result<Progress> load_progress(store::Transaction& transaction);
Result<Leases> load_leases(store::Transaction& transaction);
Result<void> save(store::Transaction& transaction, const Identity& identity);
Result<void> save(store::Transaction& transaction, const Progress& progress);
Result<void> save(store::Transaction& transaction, const Leases& leases);

}  // namespace fastmeta::engine
