// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at a whole store for what contradicts itself, from the stored bytes
// alone: link counts, parents, counters, statistics, references of slices.
#pragma once

#include <string>
#include <vector>

#include "world.h"

namespace fastmeta::test {

struct FsckOptions {
  // A hard link that rename replaces twice within an hour overwrites its own
  // entry in the trash, as with the standard client: fewer names than links then,
  // in the end none.
  bool trash_was_on = false;
};

// Empty when all is well.
std::vector<std::string> fsck(const World& world, const FsckOptions& options);

}  // namespace fastmeta::test
