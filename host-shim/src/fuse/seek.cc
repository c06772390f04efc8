// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/seek.h"

#include <algorithm>
#include <cerrno>

namespace fastmeta::host {
namespace {

constexpr size_t kPiecesAtFirst = 64;
constexpr size_t kPiecesMax = 1u << 20;

// The first place in [begin, end) of a chunk that is data (or not); end when none.
uint64_t seek_chunk(const std::vector<mdp_slice>& pieces, uint64_t begin, uint64_t end,
                    bool hole) {
  uint64_t at = begin;
  for (const mdp_slice& piece : pieces) {
    const uint64_t piece_end = uint64_t{piece.pos} + piece.len;
    if (piece_end <= at) continue;
    if (at >= end) return end;
    if ((piece.id == 0) == hole) return std::min<uint64_t>(std::max<uint64_t>(at, piece.pos), end);
    at = piece_end;
  }
  return hole ? std::min(at, end) : end;
}

}  // namespace

int read_pieces(const mdp_ops& ops, mdp_volume* volume, const mdp_caller& who, uint64_t ino,
                uint32_t chunk, std::vector<mdp_slice>* pieces) {
  for (size_t cap = kPiecesAtFirst; cap <= kPiecesMax; cap *= 4) {
    pieces->resize(cap);
    size_t count = 0;
    uint32_t records = 0;
    const int rc = ops.read_slices(volume, &who, ino, chunk, 0, pieces->data(), cap, &count,
                                   &records);
    if (rc == -ERANGE) continue;
    pieces->resize(rc == 0 ? count : 0);
    return rc;
  }
  return -EIO;
}

int seek_file(const ChunkReader& chunk, uint64_t length, uint64_t off, bool hole,
              const std::function<bool()>& interrupted, uint64_t* found) {
  if (off >= length) return -ENXIO;
  std::vector<mdp_slice> pieces;
  for (uint64_t at = off; at < length;) {
    if (interrupted()) return -EINTR;
    const uint64_t base = at / MDP_CHUNK_BYTES * MDP_CHUNK_BYTES;
    const uint64_t end = std::min(base + MDP_CHUNK_BYTES, length);
    const auto index = static_cast<uint32_t>(base / MDP_CHUNK_BYTES);
    if (const int rc = chunk(index, &pieces); rc != 0) return rc;
    const uint64_t here = base + seek_chunk(pieces, at - base, end - base, hole);
    if (here < end) {
      *found = here;
      return 0;
    }
    at = end;
  }
  if (!hole) return -ENXIO;
  *found = length;
  return 0;
}

}  // namespace fastmeta::host
