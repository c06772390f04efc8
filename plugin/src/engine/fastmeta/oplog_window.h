// SPDX-License-Identifier: GPL-3.0-or-later
// The oldest records of the oplog, decoded once and kept until they are settled.
// Bounded: what does not fit is read when there is room.
//
// Threads: the worker's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/key_use.h"
#include "model/oplog_record.h"
#include "store/tables.h"

namespace fastmeta::engine {

struct Pending {
  enum class State : uint8_t {
    kWaiting,  // for a batch
    kTaken,    // read for, or sent
    kApplied,  // the server has it; the rows are not settled yet
  };
  model::OplogRecord record;
  std::string bytes;              // as stored
  std::vector<model::KeyUse> uses;  // filled when it is first asked for
  State state = State::kWaiting;
  bool no_data = false;  // waits for its data
  bool has_data = false;  // was asked for after a long wait, and is there
  bool sent = false;     // was written to a socket at least once
};
using PendingPtr = std::shared_ptr<Pending>;

class OplogWindow {
 public:
  static constexpr size_t kRecordsMax = 16'384;
  static constexpr size_t kBytesMax = size_t{32} << 20;

  explicit OplogWindow(store::Tables& tables) : tables_(tables) {}

  // Reads on behind the last one, up to record `last`. Answers the new ones.
  Result<std::vector<PendingPtr>> refill(uint64_t last);
  // As if nothing had been read: after the table was changed below.
  void reset();
  // The table has this one otherwise now.
  Result<void> reread(uint64_t seq);
  void removed(uint64_t seq);

  const std::map<uint64_t, PendingPtr>& items() const { return items_; }
  // Holds all that is in the table (up to the last refill).
  bool complete() const { return !full(); }

 private:
  bool full() const { return items_.size() >= kRecordsMax || bytes_ >= kBytesMax; }

  store::Tables& tables_;
  std::map<uint64_t, PendingPtr> items_;
  size_t bytes_ = 0;
  uint64_t next_ = 1;  // where the next scan begins: behind erased rows, not over them
};

}  // namespace fastmeta::engine
