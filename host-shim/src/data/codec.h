// SPDX-License-Identifier: GPL-3.0-or-later
// How a block is packed into its object: as it is, as one raw LZ4 block, or as
// one zstd frame. Objects have no header; the decoded length is in their name.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace fastmeta::host {

enum class Compression { kNone, kLz4, kZstd };

// By the name in the volume's settings, whatever its case; "" is none.
std::optional<Compression> compression_by_name(std::string_view name);

// The packed bytes in *out, which keeps its capacity between calls. Not for
// kNone. 0 or -EIO.
int encode(Compression how, const char* in, size_t size, std::vector<char>* out);

// Exactly `size` decoded bytes, else -EBADMSG. Not for kNone.
int decode(Compression how, const char* in, size_t in_size, char* out, size_t size);

// No object of a block of `size` bytes is longer.
size_t encoded_most(Compression how, size_t size);

}  // namespace fastmeta::host
