// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/names.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

Result<Found> link(const View& seen, const LinkArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_appearing(want.parent, want.name, EPERM));
  MDP_TRY_VOID(seen.need({seen.attr_key(want.parent), seen.attr_key(want.ino),
                          seen.dentry_key(want.parent, want.name), seen.parents_key(want.ino)}));

  MDP_TRY(auto node, seen.attr(want.ino));
  // Without a name left it is kept for open handles only and will be destroyed
  // with the last of them, whatever its link count says then.
  if (!node || node->nlink == 0) return answer(ENOENT);
  if (node->is_dir()) return answer(EPERM);
  MDP_TRY(auto parent, seen.attr(want.parent));
  if (!parent) return answer(ENOENT);
  if (!parent->is_dir()) return answer(ENOTDIR);
  if (is_trashed(*parent)) return answer(ENOENT);
  if (is_immutable(*parent)) return answer(EPERM);
  if (is_fixed(*node)) return answer(EPERM);
  MDP_TRY(auto entry, seen.dentry(want.parent, want.name));
  if (entry) return answer(EEXIST);

  const KeySpace& keys = seen.keys();
  const Ino old_parent = node->parent;
  ++node->nlink;
  node->parent = 0;
  touch_ctime(*node, want.now);

  out.hset(keys.dir(want.parent), want.name, encode_dentry({node->type, want.ino}));
  if (touch_dir(seen.facts(), *parent, want.now, false))
    put_attr(seen, out, want.parent, *parent);
  put_attr(seen, out, want.ino, *node);
  if (old_parent != 0) out.hincr_by(keys.parents(want.ino), std::to_string(old_parent), 1);
  out.hincr_by(keys.parents(want.ino), std::to_string(want.parent), 1);
  count_entry(seen, out, want.parent, *node, 1);
  return Found{want.ino, std::move(*node)};
}

}  // namespace fastmeta::model
