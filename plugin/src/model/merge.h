// SPDX-License-Identifier: GPL-3.0-or-later
// Writes over read answers, and many operations' writes as few.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/mutations.h"
#include "model/read_key.h"

namespace fastmeta::model {

// Answers of the server with later writes over them: what the server would answer
// after these writes. Keys that were not loaded stay unknown.
class OverlaidReads {
 public:
  void load(const ReadKey& read, RawValue value);
  // nullptr: not known. Valid until the next load or write.
  const RawValue* find(const ReadKey& read) const;
  // Updates every known answer that the write concerns (the field, the whole hash and
  // the count of one key alike). A write to a key that is not known at all makes
  // known what it fully determines (SET, DEL, HSET and HDEL of a field).
  void write(const Write& write);
  void clear() { known_.clear(); }

 private:
  std::map<ReadKey, RawValue> known_;
};

// The writes of a batch, merged: the last SET of a key and the last HSET or HDEL of a
// field win, deltas are added up (a sum of 0 is left out unless the key may not exist yet
// for usedSpace and totalInodes, whose INCRBY 0 the standard client also sends), pushes
// keep their order, DEL forgets what came before for its key. Order between keys is
// that of their first write.
struct MergedWrites {
  std::vector<Write> writes;
  // Slice releases that have to look at the reply of a merged decrement.
  std::vector<SliceRelease> releases;
  std::vector<DeadFile> dead_files;
  std::vector<DirStatDelta> dir_stats;  // one per directory
  int64_t used_space = 0, used_inodes = 0;
};
MergedWrites merge(const std::vector<Mutations>& batch);

}  // namespace fastmeta::model
