// SPDX-License-Identifier: GPL-3.0-or-later
// A directory moved below itself would be lost with all it holds: nothing would
// lead to it any more.
#pragma once

#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

// Reads, and thereby watches, `dir` and every directory above it up to the
// root, so that another client's concurrent move of one of them is a conflict.
// EINVAL when `moved` is among them, ELOOP when they form a loop or are more
// than kAncestorsMax.
Result<void> check_not_below(const View& seen, Ino dir, Ino moved);

}  // namespace fastmeta::model
