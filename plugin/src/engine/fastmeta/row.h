// SPDX-License-Identifier: GPL-3.0-or-later
// One mirrored value in the local store: what the server is known to hold (base), and
// our acknowledged changes that it may not have yet (local) over it.
//
// Rows of table kRows, by key:
//   <redis key>                 a string (i, s) or a list (c: 24-byte records in a row)
//   <redis key> NUL             marker of a hash (d, p, x): base kPresent: the field rows
//                               are the whole hash as of the marker's token
//   <redis key> NUL <field>     a field of it
//
// Invariants
//  (1) A base is replaced only by one whose token is not smaller; a base of our own EXEC
//      (token of sending()) only by a larger or equal one of a read. So a fill that
//      began before our EXEC never undoes it.
//  (2) Under a marker that is complete and valid every field row's base is right,
//      whatever its own token says, and a field without a row is absent.
//  (3) local is kNone exactly when no pending record has written the row.
//  (4) `born` at i{ino}: the inode was made here out of a fresh number, so its c, d, p, s
//      and x keys that have no row are empty as of that token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/fastmeta/validity.h"
#include "model/schema/keys.h"
#include "util/result.h"

namespace fastmeta::engine {

struct Row {
  enum class Base : uint8_t { kUnknown = 0, kAbsent = 1, kPresent = 2 };
  enum class Local : uint8_t {
    kNone = 0,
    kAbsent = 1,  // removed; of a marker: the hash was emptied
    kValue = 2,
    kAppend = 3,  // list: records behind the base's
    kDelta = 4,   // number (fields of p): added to the base's
  };

  Base base = Base::kUnknown;
  // kUnknown: reads that were registered before it are refused all the same (0: none are).
  Token base_token;
  std::string base_value;

  Local local = Local::kNone;
  std::string local_value;  // kValue, kAppend
  int64_t local_delta = 0;  // kDelta
  uint64_t last_seq = 0;    // of the newest pending record that wrote it

  std::optional<Token> born;

  bool blank() const {
    return base == Base::kUnknown && base_token == Token{} && local == Local::kNone && !born;
  }
  bool operator==(const Row&) const = default;
};

// What HINCRBY makes of a stored number, which may be any: a sum that does not fit is refused
// there, and the number stays.
int64_t incremented(int64_t number, int64_t by);

std::string encode_row(const Row& row);
// kCorrupt, with the offset.
Result<Row> decode_row(std::string_view bytes);

std::string row_key(std::string_view key);
std::string row_key(std::string_view key, std::string_view field);
std::string marker_key(std::string_view key);
// The redis key that a row's key begins with, and the field (empty for a marker).
struct RowName {
  std::string_view key;
  std::string_view field;
  bool in_hash = false;
  bool marker = false;
};
RowName parse_row_key(std::string_view row);

}  // namespace fastmeta::engine
