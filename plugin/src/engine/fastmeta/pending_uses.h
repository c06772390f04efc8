// SPDX-License-Identifier: GPL-3.0-or-later
// Which pending records use a key: what has to be undone together is found by it, without
// reading the whole oplog for each of a thousand conflicts. In memory, made when the first
// conflict asks; at most some 150 bytes for each record of the backlog, which is bounded.
//
// Threads: the worker's.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "model/key_use.h"
#include "store/tables.h"
#include "util/result.h"

namespace fastmeta::engine {

class PendingUses {
 public:
  explicit PendingUses(const model::KeySpace& keys) : keys_(keys) {}

  // Reads on to the end of the oplog as the transaction sees it.
  Result<void> refresh(store::Transaction& transaction);
  // The record was run again, and may use other keys than it did.
  void add(uint64_t seq, const std::vector<model::KeyUse>& uses);
  // As if nothing had been read: records came back that it has passed.
  void clear();
  bool empty() const { return nodes_.empty(); }

  // What one closure has asked for already: how, by the number of a place.
  using Asked = std::unordered_map<uint64_t, uint8_t>;
  // Adds those that may share a key with `uses`. Some of them may be gone, or only share a
  // number: look at the record.
  void collect(const std::vector<model::KeyUse>& uses, Asked& asked,
               std::set<uint64_t>& found) const;

 private:
  // Of one use, in the list of its place; the newest first.
  struct Node {
    uint64_t seq = 0;
    uint32_t before = 0;  // 0: none
    uint8_t how = 0;
  };
  void note(uint64_t place, uint64_t seq, uint8_t how);

  const model::KeySpace& keys_;
  std::unordered_map<uint64_t, uint32_t> last_;  // by the number of a place
  std::vector<Node> nodes_;                      // the first is none
  uint64_t next_ = 1;                            // where reading goes on
};

}  // namespace fastmeta::engine
