// SPDX-License-Identifier: GPL-3.0-or-later
// The visible pieces of a chunk: asking for them and reading through them.
#pragma once

#include <mdp/plugin.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/slice_store.h"

namespace fastmeta::host {

// The plugin's read_slices with as much room as it needs.
int list_pieces(const mdp_ops* ops, mdp_volume* volume, const mdp_caller& who, uint64_t ino,
                uint32_t chunk, uint32_t flags, std::vector<mdp_slice>* pieces,
                uint32_t* records);

// Bytes [pos, pos + n) of the chunk; what no piece covers is zeros. Errors as
// SliceStore::read.
int read_pieces(SliceStore& slices, const std::vector<mdp_slice>& pieces, uint32_t pos,
                uint32_t n, char* out, std::string* missing);

// Calls `visit` for each block that holds some of [pos, pos + n).
void visit_blocks(const std::vector<mdp_slice>& pieces, uint32_t pos, uint32_t n,
                  uint32_t block_bytes,
                  const std::function<void(const mdp_slice&, uint32_t block)>& visit);

}  // namespace fastmeta::host
