// SPDX-License-Identifier: GPL-3.0-or-later
// Writes over read answers, and many operations' writes as few.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/mutations.h"
#include "model/read_key.h"

namespace fastmeta::model {

// Answers of the server with our writes over them: what the server would answer after
// these writes. What was not loaded stays unknown, unless the writes determine it alone
// (SET, DEL, HSET, HDEL).
class OverlaidReads {
 public:
  // `value` is the server's answer, without any of the writes: also those that came
  // before the load are put over it.
  void load(const ReadKey& read, RawValue value);
  // nullptr: not known. Valid until the next load or write.
  const RawValue* find(const ReadKey& read) const;
  // Concerns every answer of its key alike: the field, the whole hash and the count.
  // The count is exact for fields whose state before is known, as the rules see to.
  void write(const Write& write);
  void clear();

 private:
  // Of one key, since the last DEL.
  struct KeyWrites {
    bool replaced = false;  // by a DEL: what the server has does not matter
    std::vector<Write> whole;  // of a string or list
    std::map<std::string, std::vector<Write>> fields;
  };

  void forget(const std::string& key);
  const KeyWrites& writes_of(const std::string& key) const;
  std::optional<RawValue> base(const ReadKey& read) const;
  std::optional<RawValue> compute(const ReadKey& read) const;
  void overlay_hash(RawValue& hash, const KeyWrites& written) const;
  void overlay_count(const std::string& key, RawValue& count, const KeyWrites& written) const;

  std::map<ReadKey, RawValue> base_;
  std::unordered_map<std::string, KeyWrites> written_;
  mutable std::map<ReadKey, RawValue> answers_;  // computed ones
};

// The writes of a batch, merged: for every state of the server they leave the same
// state as all of them in order. The last SET of a key and the last HSET or HDEL of a
// field win, deltas are added up (a sum of 0 stays: it creates the value), pushes keep
// their order, DEL forgets what came before for its key. Order between keys is that of
// their first write.
struct MergedWrites {
  std::vector<Write> writes;
  // Slice releases that have to look at the reply of a merged decrement; one per write.
  std::vector<SliceRelease> releases;
  std::vector<DeadFile> dead_files;
  std::vector<DirStatDelta> dir_stats;  // one per directory that changed
  int64_t used_space = 0, used_inodes = 0;
};
MergedWrites merge(const std::vector<Mutations>& batch);

}  // namespace fastmeta::model
