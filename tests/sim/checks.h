// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of the server's contents, and of what clients show of them, when nothing
// is pending.
#pragma once

#include <string>
#include <vector>

#include "sim/client.h"
#include "sim/slices.h"
#include "sim/user.h"
#include "support/memory_store.h"

namespace fastmeta::sim {

// Records of a chunk, for people.
std::string slices_of(const std::vector<std::string>& items);

// The keys that the rules know, as the rules' own store.
test::MemoryStore contents_of(const test::RedisModel& model);

// One tree, every node once, link counts and counters right, nothing left behind.
void check_volume(const test::MemoryStore& store, Findings& findings);

// The rows of every directory say what is in it.
void check_statistics(const test::MemoryStore& store, Findings& findings);

// No record refers to data that was deleted, and none is lost: what records refer to is counted
// right, what nobody refers to was deleted, or is told of, and files that are gone are to be
// deleted with all of their chunks. history: of all that there was; nothing: it was not all kept.
void check_data(const test::MemoryStore& store, const Slices& slices, const History* history,
                Findings& findings);

// Every value of the server is what the client answers. On a fiber of its process.
void check_view(const test::MemoryStore& store, SimMount& mount, Findings& findings);

}  // namespace fastmeta::sim
