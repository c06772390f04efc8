// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <set>
#include <vector>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/data.h"
#include "model/rules/growth.h"
#include "model/rules/zero_records.h"

namespace fastmeta::model {

namespace {

// A longer copy is answered short, as the call allows: one transaction must not
// read and write the records of too many chunks (4 GiB).
constexpr uint64_t kCopiedBytesMax = 64 * kChunkBytes;

Result<void> check_ranges(const CopyRangeArgs& want) {
  if (want.flags != 0) return answer(EINVAL);
  for (uint64_t off : {want.from_off, want.to_off}) {
    if (off >= kFileLengthLimit || want.len >= kFileLengthLimit - off) return answer(EFBIG);
  }
  const bool overlaps = want.from_off < want.to_off + want.len &&
                        want.to_off < want.from_off + want.len;
  if (want.from == want.to && overlaps) return answer(EINVAL);
  return {};
}

// The source's visible pieces of [from_off, from_off + len), in file order and
// without gaps: what no record covers is a piece of zeros.
Result<std::vector<SliceRecord>> pieces_of(const View& seen, const CopyRangeArgs& want,
                                           uint64_t len) {
  std::vector<ReadKey> reads;
  for_each_chunk(want.from_off, len, [&](uint32_t chunk, uint64_t, uint64_t, uint64_t) {
    reads.push_back(seen.chunk_key(want.from, chunk));
  });
  MDP_TRY_VOID(seen.need(reads));

  std::vector<SliceRecord> pieces;
  Result<void> outcome;
  for_each_chunk(want.from_off, len, [&](uint32_t chunk, uint64_t pos, uint64_t, uint64_t part) {
    auto records = seen.chunk(want.from, chunk);
    if (!records) {
      outcome = std::move(records).error();
      return;
    }
    uint64_t covered = 0;
    for (const SliceRecord& piece : cut(overlay(*records), static_cast<uint32_t>(pos),
                                        static_cast<uint32_t>(part))) {
      pieces.push_back(piece);
      covered += piece.len;
    }
    if (covered < part)
      pieces.push_back({.pos = 0, .id = 0, .size = 0, .off = 0,
                        .len = static_cast<uint32_t>(part - covered)});
  });
  MDP_TRY_VOID(std::move(outcome));
  return pieces;
}

// Every record that names a slice is one more reference to it.
void append_pieces(const View& seen, const CopyRangeArgs& want,
                   const std::vector<SliceRecord>& pieces, Mutations& out) {
  const KeySpace& keys = seen.keys();
  uint64_t to = want.to_off;
  for (const SliceRecord& piece : pieces) {
    for_each_chunk(to, piece.len, [&](uint32_t chunk, uint64_t pos, uint64_t done, uint64_t len) {
      SliceRecord record = piece;
      record.pos = static_cast<uint32_t>(pos);
      record.len = static_cast<uint32_t>(len);
      record.off = piece.id == 0 ? 0 : piece.off + static_cast<uint32_t>(done);
      out.rpush(keys.chunk(want.to, chunk), encode_slice(record));
      if (piece.id != 0)
        out.hincr_by(keys.plain(kSliceRef), slice_ref_field(piece.id, piece.size), 1);
    });
    to += piece.len;
  }
}

// Of pieces that were chosen earlier.
Result<uint64_t> length_of(const std::vector<SliceRecord>& pieces, const CopyRangeArgs& want) {
  uint64_t len = 0;
  for (const SliceRecord& piece : pieces) {
    if (piece.id != 0 && uint64_t{piece.off} + piece.len > piece.size) return answer(EINVAL);
    len += piece.len;
  }
  if (len > want.len) return answer(EINVAL);
  return len;
}

// Whether the source still refers to every slice of `given`: only then do they live. Another
// client may have merged them into a new one and removed their data.
Result<bool> all_there(const View& seen, const CopyRangeArgs& want, uint64_t len,
                       const std::vector<SliceRecord>& given) {
  std::vector<ReadKey> reads;
  std::vector<uint32_t> chunks;
  for_each_chunk(want.from_off, len, [&](uint32_t chunk, uint64_t, uint64_t, uint64_t) {
    reads.push_back(seen.chunk_key(want.from, chunk));
    chunks.push_back(chunk);
  });
  MDP_TRY_VOID(seen.need(reads));
  std::set<uint64_t> ids = {0};
  for (uint32_t chunk : chunks) {
    MDP_TRY(auto records, seen.chunk(want.from, chunk));
    for (const SliceRecord& record : records) ids.insert(record.id);
  }
  return std::all_of(given.begin(), given.end(),
                     [&](const SliceRecord& piece) { return ids.contains(piece.id); });
}

Result<CopyRangeReply> copy_pieces(const View& seen, const CopyRangeArgs& want, Attr to,
                                   std::vector<SliceRecord> pieces, uint64_t len,
                                   Mutations& out) {
  const uint64_t old_length = to.length;
  MDP_TRY(int64_t space, grow(seen, to, std::max(old_length, want.to_off + len)));
  touch_content(to, want.now, want.now);
  append_pieces(seen, want, pieces, out);
  put_attr(seen, out, want.to, to);
  if (space > 0) add_space(seen, out, space);
  MDP_TRY_VOID(count_length_change(seen, out, want.to, to, old_length));
  return CopyRangeReply{len, std::move(to), std::move(pieces)};
}

}  // namespace

Result<CopyRangeReply> copy_file_range(const View& seen, const CopyRangeArgs& want,
                                       Mutations& out,
                                       const std::vector<SliceRecord>* given) {
  MDP_TRY_VOID(check_ranges(want));
  std::vector<ReadKey> reads = {seen.attr_key(want.from), seen.attr_key(want.to)};
  if (!given)
    reads.push_back(
        seen.chunk_key(want.from, static_cast<uint32_t>(want.from_off / kChunkBytes)));
  MDP_TRY_VOID(seen.need(reads));
  MDP_TRY(auto from, seen.attr(want.from));
  MDP_TRY(auto to, seen.attr(want.to));
  if (!from || !to) return answer(ENOENT);
  if (!from->is_file() || !to->is_file()) return answer(EINVAL);
  if (is_fixed(*to)) return answer(EPERM);
  if (given) {
    MDP_TRY(uint64_t given_len, length_of(*given, want));
    if (given_len == 0) return CopyRangeReply{0, std::move(*to), {}};
    MDP_TRY(bool there, all_there(seen, want, given_len, *given));
    if (there) return copy_pieces(seen, want, std::move(*to), *given, given_len, out);
  }
  if (want.from_off >= from->length || want.len == 0)
    return CopyRangeReply{0, std::move(*to), {}};
  const uint64_t len = std::min({want.len, from->length - want.from_off, kCopiedBytesMax});
  MDP_TRY(auto pieces, pieces_of(seen, want, len));
  return copy_pieces(seen, want, std::move(*to), std::move(pieces), len, out);
}

}  // namespace fastmeta::model
