// SPDX-License-Identifier: GPL-3.0-or-later
// Writes as readable lines ("SET i5 file 0644 0:0 nlink=1 …"), so that tests can
// state them and a failure can be read.
#pragma once

#include <string>
#include <vector>

#include "model/mutations.h"
#include "model/types.h"

namespace fastmeta::test {

// type perm uid:gid nlink length parent a/m/c times as sec.nsec; other fields
// only when they are not 0.
std::string describe(const model::Attr& attr);
std::string describe(const model::SliceRecord& record);
// Keys are expected without a prefix.
std::string describe(const model::Write& write);
std::vector<std::string> describe(const model::Mutations& mutations);

}  // namespace fastmeta::test
