// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/ancestry.h"

#include "model/rules/checks.h"
#include "model/rules/names.h"

namespace fastmeta::model {

Result<void> check_not_below(const View& seen, Ino dir, Ino moved) {
  for (int level = 0; level < kAncestorsMax; ++level) {
    if (dir == moved) return answer(EINVAL);
    MDP_TRY(auto attr, seen.attr(dir));
    if (dir == kRootIno || is_trash(dir)) return {};
    if (!attr) return answer(ENOENT);
    if (!attr->is_dir() || attr->parent == 0)
      return Error{Fault::kCorrupt, EIO, seen.keys().attr(dir) + " is above a directory but " +
                                             (attr->is_dir() ? "has no parent" : "is none")};
    dir = attr->parent;
  }
  return answer(ELOOP);
}

}  // namespace fastmeta::model
