// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/attrs.h"
#include "model/rules/checks.h"

namespace fastmeta::model {

Result<Attr> getattr(const View& seen, Ino ino) {
  MDP_TRY(auto attr, seen.attr(ino));
  if (!attr) return answer(ENOENT);
  return std::move(*attr);
}

Result<std::string> readlink(const View& seen, Ino ino) {
  MDP_TRY_VOID(seen.need({seen.attr_key(ino), seen.symlink_key(ino)}));
  MDP_TRY(auto attr, seen.attr(ino));
  if (!attr) return answer(ENOENT);
  if (attr->type != FileType::kSymlink) return answer(EINVAL);
  MDP_TRY(auto target, seen.symlink(ino));
  if (!target)
    return Error{Fault::kCorrupt, EIO, seen.keys().symlink(ino) + ": the target is missing"};
  return std::move(*target);
}

}  // namespace fastmeta::model
