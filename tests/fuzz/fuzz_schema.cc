// SPDX-License-Identifier: GPL-3.0-or-later
// Every decoder and parser of stored bytes, on whatever comes: none may crash, and what
// one of them understands must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/overlay.h"
#include "model/schema/codec.h"
#include "model/schema/keys.h"
#include "model/schema/setting.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::model;

template <typename T>
void stable(std::string_view bytes, Result<T> (*decode)(std::string_view),
            std::string (*encode)(const T&)) {
  auto value = decode(bytes);
  if (!value) {
    MDP_CHECK(value.error().fault == Fault::kCorrupt);
    return;
  }
  auto again = decode(encode(*value));
  MDP_CHECK(again.has_value() && *again == *value);
}

// The bytes as a chunk's list, whose records are what the decoder lets pass.
void chunk(std::string_view bytes) {
  std::vector<SliceRecord> records;
  for (; bytes.size() >= kSliceRecordBytes; bytes.remove_prefix(kSliceRecordBytes))
    if (auto record = decode_slice(bytes.substr(0, kSliceRecordBytes))) records.push_back(*record);
  const auto pieces = overlay(records);
  MDP_CHECK(overlay(pieces) == pieces);
  uint32_t end = 0;
  for (const SliceRecord& piece : pieces) {
    MDP_CHECK(piece.pos == end && piece.len > 0);
    end += piece.len;
  }
  MDP_CHECK(end <= kChunkBytes);
  (void)cut(pieces, end / 3, end / 2);
  if (auto plan = plan_compaction(records)) {
    MDP_CHECK(plan->records - plan->skipped >= 2 && plan->size > 0);
    MDP_CHECK(!plan->pieces.empty() && plan->pieces.front().pos == plan->pos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  stable<Attr>(bytes, decode_attr, encode_attr);
  stable<Dentry>(bytes, decode_dentry, encode_dentry);
  stable<SliceRecord>(bytes, decode_slice, encode_slice);
  stable<std::vector<std::pair<uint64_t, uint32_t>>>(bytes, decode_delayed_slices,
                                                     encode_delayed_slices);
  stable<LockOwner>(bytes, decode_lock_owner, encode_lock_owner);
  stable<std::vector<LockRange>>(bytes, decode_lock_ranges, encode_lock_ranges);
  stable<QuotaLimits>(bytes, decode_quota, encode_quota);
  stable<AclRule>(bytes, decode_acl, encode_acl);
  chunk(bytes);
  (void)KeySpace().parse(bytes);
  (void)trash_entry_name(1, 2, bytes);
  (void)compare_versions(bytes, kFormatVersion);
  if (auto setting = parse_setting(bytes)) (void)check_supported(*setting).has_value();
  if (auto made = new_setting(bytes, "uuid"))
    MDP_CHECK(check_supported(*parse_setting(*made)).has_value());
  return 0;
}
