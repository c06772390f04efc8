// SPDX-License-Identifier: GPL-3.0-or-later
// The trash as users and checks see it. In which hour something was removed is the matter of
// whoever brings it to the server: a reference has one hour for all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/operation.h"
#include "sim/client.h"
#include "sim/user.h"
#include "support/memory_store.h"

namespace fastmeta::sim {

inline constexpr model::Ino kOnlyHour = model::kTrashIno + 1;  // of a reference

// The folder of the trash, and one of an hour.
model::Attr trash_folder(model::Ino parent);

// On a reference: what concerns any hour concerns the only one, and takes what is removed.
model::Operation in_only_hour(model::Operation operation);
// Takes a name away from the trash.
bool leaves_trash(const model::Operation& operation);
void put_in_only_hour(model::Attr& attr);
// Parents of a file with several names, those in the trash as one.
std::map<std::string, int64_t> parents_with_one_hour(const model::RawValue& parents);

struct Trashed {
  model::Ino hour = 0;
  std::string name;
  model::Dentry entry;
};
// What a mount shows. On a fiber of its process.
std::vector<Trashed> trashed_of(SimMount& mount);
// What a store holds.
std::vector<Trashed> trashed_of(const test::MemoryStore& store);
std::vector<Trashed> trashed_in(const test::MemoryStore& store, model::Ino hour);

// Hours with their names, and in them names that tell of folder and inode.
void check_trash(const test::MemoryStore& store, Findings& findings);

}  // namespace fastmeta::sim
