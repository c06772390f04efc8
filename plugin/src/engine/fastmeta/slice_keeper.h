// SPDX-License-Identifier: GPL-3.0-or-later
// Slices of changes that could not be sent for a while. Until a record in the server names
// it a slice is a leftover to the standard gc, which removes what is older than an hour: the
// host is asked for it now and then, and keeps it from that (mdp_host::slice_is_durable).
//
// Threads: start and stop one at a time; pass() by one at a time: its own thread between
// start and stop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/fastmeta/parts.h"
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
  // The slices of records from number `from` on that were acknowledged before `until`.
  struct Page {
    std::vector<Slice> slices;
    std::optional<uint64_t> next;  // where the next page begins
  };
  Result<Page> read(uint64_t from, Timestamp until);

  Parts& parts_;
  uint64_t asked_to_ = 0;  // records below this number were asked for once
  std::optional<Timestamp> all_asked_;
  store::Ticker ticker_;  // last: its work uses the rest
};

}  // namespace fastmeta::engine
