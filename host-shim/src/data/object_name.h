// SPDX-License-Identifier: GPL-3.0-or-later
// What the objects of a slice are called and how a slice is cut into them.
//
//   chunks/{id/1000000}/{id/1000}/{id}_{block}_{bytes}         plain
//   chunks/{id%256, hex}/{id/1000000}/{id}_{block}_{bytes}     hash prefix
//
// `bytes` is the decoded length: the block size, or less for the last block.
#pragma once

#include <cstdint>
#include <string>

namespace fastmeta::host {

// Holds the uuid of the volume whose storage this is.
inline constexpr char kOwnerObject[] = "juicefs_uuid";

std::string object_name(bool hash_prefix, uint64_t id, uint32_t block, uint32_t bytes);

inline uint32_t block_count(uint32_t size, uint32_t block_bytes) {
  return size / block_bytes + (size % block_bytes != 0 ? 1 : 0);
}

// Bytes of one block of a slice of `size` bytes.
inline uint32_t bytes_of_block(uint32_t size, uint32_t block_bytes, uint32_t block) {
  const uint64_t start = uint64_t{block} * block_bytes;
  const uint64_t left = size > start ? size - start : 0;
  return static_cast<uint32_t>(left < block_bytes ? left : block_bytes);
}

}  // namespace fastmeta::host
