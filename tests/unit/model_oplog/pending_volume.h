// SPDX-License-Identifier: GPL-3.0-or-later
// A volume in memory on which operations are done as the local executor does them, and
// a server that gets their records later.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "model/operation.h"
#include "model/oplog_record.h"
#include "support/memory_store.h"
#include "support/seed.h"

namespace fastmeta::test {

using namespace model;  // NOLINT: the tests speak of nothing else

inline constexpr Caller kAnyone{1000, 1000, 022};

// The errno of an answer, 0: done; other faults as 1000 + fault.
int code_of(const Result<OperationReply>& result);

// An empty volume with the root and a trash hour (kTrashIno + 1).
MemoryStore new_store();

class PendingVolume {
 public:
  PendingVolume() { facts.session = 7; }

  MemoryStore store = new_store();
  VolumeFacts facts;
  KeySpace keys;
  std::set<Ino> open;
  Timestamp now{1'800'000'000, 0};  // moves by a second per operation
  std::vector<OplogRecord> log;
  Mutations out;  // of the last operation

  // Done on the store; a success that changes something is logged.
  Result<OperationReply> run(const Operation& operation, const Replay* replay = nullptr);

  // For set-up; must succeed. Names are in the directory `parent`.
  Ino create(Ino parent, const std::string& name, FileType type = FileType::kFile);
  int unlink(Ino parent, const std::string& name, Ino trash = 0);
  int rmdir(Ino parent, const std::string& name);
  int rename(Ino parent, const std::string& name, Ino new_parent, const std::string& new_name);
  int link(Ino ino, Ino parent, const std::string& name);
  int chmod(Ino ino, uint16_t mode);
  int write(Ino ino, SliceRecord slice);

  Attr attr(Ino ino) const;

 private:
  Ino next_ino_ = 2;
};

// Any operation on what is there and few names; many are refused.
Operation random_operation(Dice& dice, const PendingVolume& volume);

// The records done on the server as one batch: each sees the earlier ones, their
// merged writes are applied at once. Expects that none is refused and that what they
// relied on holds. Times are those of the records.
void reintegrate(MemoryStore& server, const PendingVolume& from,
                 const std::vector<const OplogRecord*>& batch);

}  // namespace fastmeta::test
