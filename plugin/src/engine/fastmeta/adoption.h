// SPDX-License-Identifier: GPL-3.0-or-later
// A name that was to be created or opened, whichever is possible, and that another client
// has given to a file first: the caller would have opened that one. So it is opened, and
// what was done to our file is done to it: nothing is sacrificed.
#pragma once

#include <optional>

#include "engine/fastmeta/local_view.h"
#include "model/oplog_record.h"

namespace fastmeta::engine {

struct Adoption {
  model::Ino ours = 0;
  model::Ino theirs = 0;
  // What is left of the creation: O_TRUNC of a file that is not empty.
  std::optional<model::TruncateArgs> first;
};

// view: without what is undone. Nothing: there is no such file, or the caller could not have
// opened it. kMissing: the view's needed() has to be known first.
Result<std::optional<Adoption>> find_adoption(const LocalView& view,
                                              const model::Operation& clashing);

}  // namespace fastmeta::engine
