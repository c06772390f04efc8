// SPDX-License-Identifier: GPL-3.0-or-later
// What the fields of `setting` may hold, for reading one and for making one.
#pragma once

#include <cstdint>
#include <string_view>

namespace fastmeta::model {

inline constexpr int kMetaVersionMax = 1;
inline constexpr std::string_view kStorage = "file";

inline constexpr std::string_view kBlockSizeAllowed =
    "a power of two from 64 to 16384 (KiB) is allowed";
constexpr bool valid_block_size(uint64_t kib) {
  return kib >= 64 && kib <= 16384 && (kib & (kib - 1)) == 0;
}

inline constexpr std::string_view kCompressionAllowed = "none, lz4 or zstd is allowed";
bool valid_compression(std::string_view name);  // in any case; empty is none

inline constexpr std::string_view kNameAllowed =
    "3 to 63 characters of a-z, 0-9 and '-' are allowed, no '-' at the ends";
bool valid_volume_name(std::string_view name);

}  // namespace fastmeta::model
