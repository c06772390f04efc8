// SPDX-License-Identifier: GPL-3.0-or-later
// Names of all keys. In a cluster every name starts with "{db}"; the prefix is
// empty otherwise. See doc/schema.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"

namespace fastmeta::model {

class KeySpace {
 public:
  KeySpace() = default;
  explicit KeySpace(std::string prefix) : prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }

  std::string setting() const { return prefix_ + "setting"; }
  std::string attr(Ino ino) const { return prefix_ + "i" + std::to_string(ino); }
  std::string dir(Ino ino) const { return prefix_ + "d" + std::to_string(ino); }
  std::string parents(Ino ino) const { return prefix_ + "p" + std::to_string(ino); }
  std::string chunk(Ino ino, uint32_t index) const {
    return prefix_ + "c" + std::to_string(ino) + "_" + std::to_string(index);
  }
  std::string symlink(Ino ino) const { return prefix_ + "s" + std::to_string(ino); }
  std::string xattrs(Ino ino) const { return prefix_ + "x" + std::to_string(ino); }
  std::string flock(Ino ino) const { return prefix_ + "lockf" + std::to_string(ino); }
  std::string plock(Ino ino) const { return prefix_ + "lockp" + std::to_string(ino); }
  std::string session_sustained(uint64_t sid) const {
    return prefix_ + "session" + std::to_string(sid);
  }
  std::string session_locks(uint64_t sid) const { return prefix_ + "locked" + std::to_string(sid); }
  // A key without a number: "usedSpace", "allSessions", "sliceRef" …
  std::string plain(std::string_view name) const { return prefix_ + std::string(name); }

  // What a key that was reported as changed stands for.
  struct Parsed {
    char kind = 0;       // 'i' 'd' 'p' 'c' 's' 'x'
    Ino ino = 0;
    uint32_t index = 0;  // of the chunk, kind 'c' only
  };
  // Nothing for names that only share a first letter ("dirUsedSpace", "session3").
  std::optional<Parsed> parse(std::string_view key) const;

 private:
  std::string prefix_;
};

// Names for KeySpace::plain.
inline constexpr std::string_view kUsedSpace = "usedSpace";
inline constexpr std::string_view kTotalInodes = "totalInodes";
inline constexpr std::string_view kNextInode = "nextinode";
inline constexpr std::string_view kNextChunk = "nextchunk";
inline constexpr std::string_view kNextSession = "nextsession";
inline constexpr std::string_view kNextTrash = "nextTrash";
inline constexpr std::string_view kAllSessions = "allSessions";
inline constexpr std::string_view kSessionInfos = "sessionInfos";
inline constexpr std::string_view kDelFiles = "delfiles";
inline constexpr std::string_view kDelSlices = "delSlices";
inline constexpr std::string_view kSliceRef = "sliceRef";
inline constexpr std::string_view kDirDataLength = "dirDataLength";
inline constexpr std::string_view kDirUsedSpace = "dirUsedSpace";
inline constexpr std::string_view kDirUsedInodes = "dirUsedInodes";
inline constexpr std::string_view kDirQuota = "dirQuota";
inline constexpr std::string_view kDirQuotaUsedSpace = "dirQuotaUsedSpace";
inline constexpr std::string_view kDirQuotaUsedInodes = "dirQuotaUsedInodes";

std::string slice_ref_field(uint64_t id, uint32_t size);        // "k{id}_{size}"
std::string dead_file_member(Ino ino, uint64_t length);         // "{ino}:{length}"
// Entry name in a trash hour: "{parent}-{ino}-{name}", cut to 255 bytes.
std::string trash_entry_name(Ino parent, Ino ino, std::string_view name);
// Name of the hour directory, UTC "YYYY-MM-DD-HH".
std::string trash_hour_name(Timestamp now);

}  // namespace fastmeta::model
