// SPDX-License-Identifier: GPL-3.0-or-later
// Slices of changes that were sacrificed: the standard gc deletes objects that nobody refers
// to, and a delayed deletion, in a time that will not come, keeps them for the journal.
#pragma once

#include <cstdint>

#include "engine/fastmeta/parts.h"

namespace fastmeta::engine {

// Asks the server; a failure is told in the log. size: of the slice's objects, bytes.
void pin_slice(Parts& parts, uint64_t id, uint32_t size, uint64_t conflict);

}  // namespace fastmeta::engine
