// SPDX-License-Identifier: GPL-3.0-or-later
// Where a file has data and where it has holes, by its slices.
#pragma once

#include <mdp/plugin.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace fastmeta::host {

// The visible pieces of one chunk. 0 or -errno.
using ChunkReader = std::function<int(uint32_t chunk, std::vector<mdp_slice>* pieces)>;

int read_pieces(const mdp_ops& ops, mdp_volume* volume, const mdp_caller& who, uint64_t ino,
                uint32_t chunk, std::vector<mdp_slice>* pieces);

// The first byte from `off` on that is data, or lies in a hole; the end of the file
// is a hole. -ENXIO when there is none, -EINTR when `interrupted` says so.
int seek_file(const ChunkReader& chunk, uint64_t length, uint64_t off, bool hole,
              const std::function<bool()>& interrupted, uint64_t* found);

}  // namespace fastmeta::host
