// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/data.h"
#include "model/rules/growth.h"
#include "model/rules/zero_records.h"

namespace fastmeta::model {

namespace {

constexpr uint32_t kKnownModes = kFallocKeepSize | kFallocPunchHole | kFallocCollapse |
                                 kFallocZeroRange | kFallocInsert;
constexpr uint32_t kZeroing = kFallocPunchHole | kFallocZeroRange;
// Each chunk of the range costs a record in the transaction (64 TiB).
constexpr uint64_t kZeroedChunksMax = uint64_t{1} << 20;

Result<void> check_mode(const FallocateArgs& want) {
  for (uint32_t shift : {uint32_t{kFallocCollapse}, uint32_t{kFallocInsert}}) {
    if (want.mode & shift) return answer(want.mode == shift ? ENOTSUP : EINVAL);
  }
  if (want.mode & ~kKnownModes) return answer(ENOTSUP);
  if ((want.mode & kFallocPunchHole) && !(want.mode & kFallocKeepSize)) return answer(EINVAL);
  if (want.len == 0) return answer(EINVAL);
  if (want.off >= kFileLengthLimit || want.len >= kFileLengthLimit - want.off)
    return answer(EFBIG);
  return {};
}

}  // namespace

Result<Attr> fallocate(const View& seen, const FallocateArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_mode(want));
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino)}));
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return answer(ENOENT);
  if (attr->type == FileType::kFifo) return answer(EPIPE);
  if (!attr->is_file() || is_immutable(*attr)) return answer(EPERM);
  if ((attr->flags & kAppendOnly) && (want.mode & ~uint32_t{kFallocKeepSize}))
    return answer(EPERM);
  const uint64_t old_length = attr->length;
  const uint64_t end = want.off + want.len;
  const bool keep = (want.mode & kFallocKeepSize) != 0;
  MDP_TRY(int64_t space, grow(seen, *attr, keep ? old_length : std::max(old_length, end)));
  touch_content(*attr, want.now, want.now);

  put_attr(seen, out, want.ino, *attr);
  if ((want.mode & kZeroing) && want.off < old_length) {
    const uint64_t len = std::min(end, old_length) - want.off;
    if (len / kChunkBytes > kZeroedChunksMax) return answer(EFBIG);
    for_each_chunk(want.off, len, [&](uint32_t chunk, uint64_t pos, uint64_t, uint64_t piece) {
      out.rpush(seen.keys().chunk(want.ino, chunk), zero_record(pos, piece));
    });
  }
  add_space(seen, out, space);
  MDP_TRY_VOID(count_length_change(seen, out, want.ino, *attr, old_length));
  return std::move(*attr);
}

}  // namespace fastmeta::model
