// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/data.h"
#include "model/rules/growth.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

Result<void> check_record(const WriteSliceArgs& want) {
  const SliceRecord& slice = want.slice;
  const bool in_chunk = uint64_t{slice.pos} + slice.len <= kChunkBytes;
  const bool in_slice = slice.id == 0 || uint64_t{slice.off} + slice.len <= slice.size;
  if (slice.len == 0 || !in_chunk || !in_slice) return answer(EINVAL);
  return {};
}

}  // namespace

Result<Attr> write_slice(const View& seen, const WriteSliceArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_record(want));
  const uint64_t end = want.chunk * kChunkBytes + want.slice.pos + want.slice.len;
  if (end >= kFileLengthLimit) return answer(EFBIG);
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino)}));
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return answer(ENOENT);
  if (!attr->is_file()) return answer(EPERM);
  const uint64_t old_length = attr->length;
  MDP_TRY(int64_t space, grow(seen, *attr, std::max(old_length, end)));
  touch_content(*attr, want.mtime, want.now);

  out.rpush(seen.keys().chunk(want.ino, want.chunk), encode_slice(want.slice));
  put_attr(seen, out, want.ino, *attr);
  if (space > 0) add_space(seen, out, space);
  MDP_TRY_VOID(count_length_change(seen, out, want.ino, *attr, old_length));
  return std::move(*attr);
}

}  // namespace fastmeta::model
