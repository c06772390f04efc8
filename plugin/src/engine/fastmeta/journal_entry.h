// SPDX-License-Identifier: GPL-3.0-or-later
// A change that was acknowledged and then sacrificed to a conflict, with all that is
// needed to show it, to export it and to apply it again. Rows of table kJournal, by id.
//
// Stored, version 1, big-endian; a text is its length (u32) and its bytes:
//    0  u32  magic    "FMJE"
//    4  u16  version
//    6  u16  state    JournalEntry::State
//    8  u32  size     of the body that follows
//   12  u32  crc32c   of bytes 0..11 and the body
//   16  u64  id, seq; i64 seconds, u32 nanoseconds; u32 error; u64 caused_by
//       text reason, path_then, path_now, record
//       u32 n, n × (text row, u8 exists, text value)     undo
//       u32 n, n × text                                  later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::engine {

struct JournalEntry {
  // Numbers are stored: never reused.
  enum class State : uint16_t {
    kOpen = 1,       // its slices are kept
    kReapplied = 2,
    kDiscarded = 3,
  };
  // What the server held of a row that the change had written; nothing: absent.
  struct UndoRow {
    std::string row;
    std::optional<std::string> server;
    bool operator==(const UndoRow&) const = default;
  };

  uint64_t id = 0;
  uint64_t seq = 0;
  State state = State::kOpen;
  Timestamp time;          // of the conflict; when it was acknowledged is in the record
  int error = 0;           // the rule's errno, 0: it relied on what no longer holds
  std::string reason;      // one line
  std::string path_then;   // of what it concerned; best effort, empty: unknown
  std::string path_now;    // the same in the server; empty: no such thing there
  uint64_t caused_by = 0;  // id of the entry it depended on, 0: a conflict of its own
  std::string record;      // OplogRecord, encoded
  std::vector<UndoRow> undo;
  std::vector<std::string> later;  // records of what open handles wrote afterwards, encoded

  bool operator==(const JournalEntry&) const = default;
};

const char* name_of(JournalEntry::State state);  // "open", "reapplied", "discarded"

std::string encode_entry(const JournalEntry& entry);
// kCorrupt: what is wrong. Of a newer version: says so.
Result<JournalEntry> decode_entry(std::string_view bytes);

}  // namespace fastmeta::engine
