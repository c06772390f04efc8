// SPDX-License-Identifier: GPL-3.0-or-later
// Ranges of a file that are to read as zeros from now on.
#pragma once

#include <cstdint>

#include "model/mutations.h"
#include "model/schema/codec.h"
#include "model/types.h"
#include "model/view.h"

namespace fastmeta::model {

inline std::string zero_record(uint64_t pos, uint64_t len) {
  return encode_slice({.pos = static_cast<uint32_t>(pos), .id = 0, .size = 0, .off = 0,
                       .len = static_cast<uint32_t>(len)});
}

// One range [pos, pos + len) of a file, cut at the borders of chunks: calls
// each(chunk, pos in the chunk, offset in the range, len).
template <typename Each>
void for_each_chunk(uint64_t pos, uint64_t len, Each each) {
  for (uint64_t done = 0; done < len;) {
    const uint64_t in_chunk = (pos + done) % kChunkBytes;
    const uint64_t piece = std::min(len - done, kChunkBytes - in_chunk);
    each(static_cast<uint32_t>((pos + done) / kChunkBytes), in_chunk, done, piece);
    done += piece;
  }
}

}  // namespace fastmeta::model
