// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/data.h"
#include "model/rules/growth.h"
#include "model/rules/zero_records.h"

namespace fastmeta::model {

namespace {

// A file that grows is zero behind its old end already: the truncation that
// left it so short has written that. The records are pushed as the standard
// client does, but not for more whole chunks than these.
constexpr uint64_t kGrownChunksMax = 10'000;
// A shrink has to hide whatever the chunks hold; one transaction cannot name
// more than these (64 TiB).
constexpr uint64_t kShrunkChunksMax = uint64_t{1} << 20;

Result<void> hide(const View& seen, const TruncateArgs& want, uint64_t old_length,
                  Mutations& out) {
  const uint64_t left = std::min(old_length, want.length);
  const uint64_t right = std::max(old_length, want.length);
  const uint64_t first = left / kChunkBytes;
  const uint64_t last = right / kChunkBytes;
  const uint64_t between = last > first ? last - first - 1 : 0;
  const bool shrinks = want.length < old_length;
  if (shrinks && between > kShrunkChunksMax) return answer(EFBIG);

  const KeySpace& keys = seen.keys();
  const uint64_t pos = left % kChunkBytes;
  out.rpush(keys.chunk(want.ino, static_cast<uint32_t>(first)),
            zero_record(pos, std::min(right - left, kChunkBytes - pos)));
  if (shrinks || between <= kGrownChunksMax) {
    for (uint64_t chunk = first + 1; chunk < last; ++chunk)
      out.rpushx(keys.chunk(want.ino, static_cast<uint32_t>(chunk)), zero_record(0, kChunkBytes));
  }
  if (last > first && right % kChunkBytes > 0)
    out.rpush(keys.chunk(want.ino, static_cast<uint32_t>(last)),
              zero_record(0, right % kChunkBytes));
  return {};
}

}  // namespace

Result<Attr> truncate(const View& seen, const TruncateArgs& want, Mutations& out) {
  if (want.length > static_cast<uint64_t>(INT64_MAX)) return answer(EINVAL);
  if (want.length >= kFileLengthLimit) return answer(EFBIG);
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino)}));
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return answer(ENOENT);
  if (!attr->is_file() || is_fixed(*attr)) return answer(EPERM);
  const uint64_t old_length = attr->length;
  if (want.length == old_length) return std::move(*attr);
  MDP_TRY(int64_t space, grow(seen, *attr, want.length));
  touch_content(*attr, want.now, want.now);

  put_attr(seen, out, want.ino, *attr);
  MDP_TRY_VOID(hide(seen, want, old_length, out));
  add_space(seen, out, space);
  MDP_TRY_VOID(count_length_change(seen, out, want.ino, *attr, old_length));
  return std::move(*attr);
}

}  // namespace fastmeta::model
