// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/checks.h"
#include "model/rules/names.h"

namespace fastmeta::model {

namespace {

Result<Found> found(const View& seen, Ino ino) {
  MDP_TRY(auto attr, seen.attr(ino));
  if (!attr) return answer(ENOENT);
  return Found{ino, std::move(*attr)};
}

Result<Found> lookup_parent(const View& seen, Ino dir) {
  MDP_TRY(Found here, found(seen, dir));
  if (!here.attr.is_dir()) return answer(ENOTDIR);
  if (dir == kRootIno) return here;
  return found(seen, here.attr.parent);
}

}  // namespace

Result<Found> lookup(const View& seen, const LookupArgs& want) {
  if (want.name.size() > kNameMax) return answer(ENAMETOOLONG);
  if (want.name == ".") return found(seen, want.parent);
  if (want.name == "..") return lookup_parent(seen, want.parent);
  if (want.parent == kRootIno && want.name == ".trash") return found(seen, kTrashIno);

  MDP_TRY_VOID(seen.need({seen.dentry_key(want.parent, want.name)}));
  MDP_TRY(auto entry, seen.dentry(want.parent, want.name));
  if (!entry) return answer(ENOENT);
  MDP_TRY(auto attr, seen.attr(entry->ino));
  if (!attr) return Found{entry->ino, broken_attr(want.parent, entry->type)};
  return Found{entry->ino, std::move(*attr)};
}

}  // namespace fastmeta::model
