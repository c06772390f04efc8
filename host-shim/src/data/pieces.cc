// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/pieces.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fastmeta::host {
namespace {

constexpr size_t kRoomMin = 64;
constexpr size_t kRoomMax = 1u << 20;  // pieces of a chunk of 64 MiB

// 64 bits: a damaged piece must not wrap around.
uint64_t end_of(const mdp_slice& piece) { return uint64_t{piece.pos} + piece.len; }

auto first_behind(const std::vector<mdp_slice>& pieces, uint32_t pos) {
  return std::partition_point(pieces.begin(), pieces.end(),
                              [pos](const mdp_slice& piece) { return end_of(piece) <= pos; });
}

}  // namespace

int list_pieces(const mdp_ops* ops, mdp_volume* volume, const mdp_caller& who, uint64_t ino,
                uint32_t chunk, uint32_t flags, std::vector<mdp_slice>* pieces,
                uint32_t* records) {
  for (size_t room = std::max(pieces->capacity(), kRoomMin); room <= kRoomMax; room *= 4) {
    pieces->resize(room);
    size_t count = 0;
    const int rc = ops->read_slices(volume, &who, ino, chunk, flags, pieces->data(), room, &count,
                                    records);
    if (rc == -ERANGE) continue;
    pieces->resize(rc == 0 ? count : 0);
    return rc;
  }
  return -EIO;
}

int read_pieces(SliceStore& slices, const std::vector<mdp_slice>& pieces, uint32_t pos,
                uint32_t n, char* out, std::string* missing) {
  const uint32_t end = pos + n;
  for (auto it = first_behind(pieces, pos); it != pieces.end() && pos < end; ++it) {
    if (it->pos >= end) break;
    if (it->pos > pos) {
      std::memset(out, 0, it->pos - pos);
      out += it->pos - pos;
      pos = it->pos;
    }
    const auto part = static_cast<uint32_t>(std::min<uint64_t>(end, end_of(*it)) - pos);
    if (it->id == 0) {
      std::memset(out, 0, part);
    } else {
      const uint64_t off = uint64_t{it->off} + (pos - it->pos);
      if (off + part > it->size) return slices.refers_beyond(it->id, it->size);
      const int rc =
          slices.read(it->id, it->size, static_cast<uint32_t>(off), part, out, missing);
      if (rc != 0) return rc;
    }
    out += part;
    pos += part;
  }
  std::memset(out, 0, end - pos);
  return 0;
}

void visit_blocks(const std::vector<mdp_slice>& pieces, uint32_t pos, uint32_t n,
                  uint32_t block_bytes,
                  const std::function<void(const mdp_slice&, uint32_t block)>& visit) {
  const uint32_t end = pos + n;
  for (auto it = first_behind(pieces, pos); it != pieces.end() && it->pos < end; ++it) {
    const uint64_t from = std::max(pos, it->pos);
    const uint64_t to = std::min<uint64_t>(end, end_of(*it));
    const uint64_t first = it->off + (from - it->pos);
    const uint64_t behind = it->off + (to - it->pos);
    if (it->id == 0 || behind > it->size) continue;
    for (uint64_t block = first / block_bytes; block * block_bytes < behind; ++block) {
      visit(*it, static_cast<uint32_t>(block));
    }
  }
}

}  // namespace fastmeta::host
