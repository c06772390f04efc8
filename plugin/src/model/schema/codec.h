// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes of the stored values. Decoders check everything they are given: a
// value that breaks the schema gives kCorrupt with the offset in the text,
// without the key, which the caller knows and adds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/types.h"
#include "util/result.h"

namespace fastmeta::model {

// i{ino}: 71 to 81 bytes and what a newer writer may append.
std::string encode_attr(const Attr& attr);
Result<Attr> decode_attr(std::string_view bytes);

// A field of d{ino}: type and inode, 9 bytes.
std::string encode_dentry(const Dentry& dentry);
Result<Dentry> decode_dentry(std::string_view bytes);

// An item of c{ino}_{index}: 24 bytes.
inline constexpr size_t kSliceRecordBytes = 24;
std::string encode_slice(const SliceRecord& record);
Result<SliceRecord> decode_slice(std::string_view bytes);

// A field of delSlices: 12 bytes per slice.
std::string encode_delayed_slices(const std::vector<std::pair<uint64_t, uint32_t>>& slices);
Result<std::vector<std::pair<uint64_t, uint32_t>>> decode_delayed_slices(std::string_view bytes);

// Fields of lockf{ino} and lockp{ino}: "{sid}_{OWNER in 16 hex digits}".
struct LockOwner {
  uint64_t session = 0;
  uint64_t owner = 0;
  auto operator<=>(const LockOwner&) const = default;
};
std::string encode_lock_owner(const LockOwner& owner);
Result<LockOwner> decode_lock_owner(std::string_view field);

// A value of lockp{ino}: 24 bytes per range, sorted, not overlapping.
struct LockRange {
  uint32_t type = 0;  // 0 read, 1 write; 2 (none) is never stored
  uint32_t pid = 0;
  uint64_t start = 0;
  uint64_t end = 0;  // inclusive
  bool operator==(const LockRange&) const = default;
};
std::string encode_lock_ranges(const std::vector<LockRange>& ranges);
Result<std::vector<LockRange>> decode_lock_ranges(std::string_view bytes);

// A field of dirQuota, userQuota, groupQuota: 16 bytes.
struct QuotaLimits {
  int64_t space = -1;
  int64_t inodes = -1;
  bool operator==(const QuotaLimits&) const = default;
};
std::string encode_quota(const QuotaLimits& limits);
Result<QuotaLimits> decode_quota(std::string_view bytes);

// A field of acl.
struct AclRule {
  static constexpr uint16_t kAbsent = 0xFFFF;
  struct Named {
    uint32_t id = 0;
    uint16_t perm = 0;
    bool operator==(const Named&) const = default;
  };
  uint16_t owner = kAbsent;
  uint16_t group = kAbsent;
  uint16_t mask = kAbsent;
  uint16_t other = kAbsent;
  std::vector<Named> users;
  std::vector<Named> groups;
  bool operator==(const AclRule&) const = default;
};
std::string encode_acl(const AclRule& rule);
Result<AclRule> decode_acl(std::string_view bytes);

}  // namespace fastmeta::model
