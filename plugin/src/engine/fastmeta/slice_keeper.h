// SPDX-License-Identifier: GPL-3.0-or-later
// Slices of changes that could not be sent for a while, and of those in the journal. A slice
// that no record in the server names is a leftover to the standard gc, which removes what is
// older than an hour: the host is asked for it now and then, and keeps it from that
// (mdp_host::slice_is_durable).
//
// Threads: start and stop one at a time; pass() by one at a time: its own thread between
// start and stop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/fastmeta/parts.h"
#include "model/oplog_record.h"
#include "store/ticker.h"

namespace fastmeta::engine {

class SliceKeeper {
 public:
  explicit SliceKeeper(Parts& parts) : parts_(parts) {}
  ~SliceKeeper() { stop(); }

  void start();
  void stop() { ticker_.stop(); }

  // Asks for what is due; answers for how many slices.
  Result<uint64_t> pass();

 private:
  struct Slice {
    uint64_t id = 0;
    uint32_t size = 0;
  };
  struct Page {
    std::vector<Slice> slices;
    std::optional<uint64_t> next;  // where the next page begins
  };
  static void add(const model::OplogRecord& record, Page& page);
  // Until a page is full, or `look` answers false.
  using Look = std::function<bool(uint64_t number, std::string_view bytes, Page& page)>;
  Result<Page> read(store::Table table, uint64_t from, const Look& look);
  // Of records from number `from` on that were acknowledged longer ago than `soon`.
  Result<Page> pending(uint64_t from, std::chrono::nanoseconds soon);
  // Of open journal entries from `from` on.
  Result<Page> journalled(uint64_t from);
  // Answers for how many.
  uint64_t ask(const Page& page);

  Parts& parts_;
  uint64_t asked_to_ = 0;  // records below this number were asked for once
  std::optional<Timestamp> all_asked_;
  store::Ticker ticker_;  // last: its work uses the rest
};

}  // namespace fastmeta::engine
