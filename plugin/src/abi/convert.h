// SPDX-License-Identifier: GPL-3.0-or-later
// Between the contract's structures and the model's types.
#pragma once

#include <mdp/plugin.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/volume.h"
#include "model/types.h"

namespace fastmeta::abi {

model::Caller to_caller(const mdp_caller* who);
engine::Interrupt to_interrupt(const mdp_caller* who);

// S_IFMT bits.
uint32_t type_bits(model::FileType type);
std::optional<model::FileType> to_type(uint32_t mode);

mdp_attr to_c(model::Ino ino, const model::Attr& attr);
mdp_entry to_c(const engine::EntryReply& reply);
mdp_slice to_c(const model::SliceRecord& piece);
model::SliceRecord from_c(const mdp_slice& slice);

// Copies text and a NUL; -ERANGE when it does not fit.
int put_text(std::string_view text, char* out, size_t cap);
// Copies bytes and their number; cap 0 asks only for the number.
int put_bytes(std::string_view bytes, void* out, size_t cap, size_t* size);

}  // namespace fastmeta::abi
