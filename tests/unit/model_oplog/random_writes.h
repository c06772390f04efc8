// SPDX-License-Identifier: GPL-3.0-or-later
// Random writes on few keys, so that they meet; a key's first letter is its type.
#pragma once

#include "model/mutations.h"
#include "support/memory_store.h"
#include "support/seed.h"

namespace fastmeta::test {

model::Write random_write(Dice& dice);
// Releases belong to decrements of "href".
model::Mutations random_mutations(Dice& dice, size_t writes_max);
MemoryStore random_store(Dice& dice);

}  // namespace fastmeta::test
