// SPDX-License-Identifier: GPL-3.0-or-later
// The value of fastmeta:client:<id>: which records of a client the server has taken.
// Written in the same MULTI as their effects, so it is right whatever was lost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.h"

namespace fastmeta::model {

struct ClientCursor {
  // Drawn anew whenever the numbering of records starts over; tells a copied or
  // restored cache directory from the one the server knows.
  uint64_t incarnation = 0;
  uint64_t low = 0;  // all records up to it are applied
  // Applied ones above it: first and last, ascending, not touching.
  std::vector<std::pair<uint64_t, uint64_t>> above;
  // One more with each connection and start that have compared it: what an earlier one has
  // sent and what comes late finds another value than the one it watches or expects.
  uint64_t fence = 0;

  bool applied(uint64_t seq) const;
  // seq becomes applied; touching ranges merge, low rises over them.
  void add(uint64_t seq);
  uint64_t highest() const { return above.empty() ? low : above.back().second; }
  bool operator==(const ClientCursor&) const = default;
};

// Bytes of ranges beyond which the sender waits for the oldest record.
inline constexpr size_t kCursorBytesMax = 4096;

// Text: "2 <incarnation hex> <fence> <low> <first>-<last> …"; without a fence
// "1 <incarnation hex> <low> <first>-<last> …"
std::string encode_cursor(const ClientCursor& cursor);
Result<ClientCursor> decode_cursor(std::string_view text);

}  // namespace fastmeta::model
