// SPDX-License-Identifier: GPL-3.0-or-later
#include <string>

#include "model/rules/accounting.h"
#include "model/rules/checks.h"
#include "model/rules/data.h"

namespace fastmeta::model {

Result<Attr> open(const View& seen, const OpenArgs& want) {
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return answer(ENOENT);
  if (want.write && (is_immutable(*attr) || is_trashed(*attr))) return answer(EPERM);
  if (attr->flags & kAppendOnly) {
    if (want.write && !want.append) return answer(EPERM);
    if (want.truncate) return answer(EPERM);
  }
  return std::move(*attr);
}

bool may_open(const Attr& attr, const OpenArgs& want) {
  if (want.who.uid == 0) return true;
  int shift = 0;
  if (want.who.uid == attr.uid)
    shift = 6;
  else if (want.who.gid == attr.gid)
    shift = 3;
  const unsigned granted = attr.perm >> shift;
  return (!want.read || (granted & 4) != 0) && (!want.write || (granted & 2) != 0);
}

Result<void> last_close(const View& seen, const LastCloseArgs& want, Mutations& out) {
  const KeySpace& keys = seen.keys();
  const ReadKey xattrs{ReadKind::kHashCount, keys.xattrs(want.ino), {}, true};
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino), xattrs}));
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return {};
  const std::string member = std::to_string(want.ino);
  const std::string sustained = keys.session_sustained(seen.facts().session);
  if (attr->nlink > 0) {  // named again by another client: it must not be destroyed
    if (seen.facts().session != 0) out.srem(sustained, member);
    return {};
  }
  const Timestamp at = want.applied_at.value_or(want.now);
  out.zadd(keys.plain(kDelFiles), at.sec, dead_file_member(want.ino, attr->length));
  out.del(keys.attr(want.ino));
  add_space(seen, out, -static_cast<int64_t>(charged_space(attr->length)));
  add_inodes(seen, out, -1);
  if (seen.facts().session != 0) out.srem(sustained, member);
  // Those set through a handle after the name was gone.
  MDP_TRY(RawValue left, seen.raw(xattrs));
  if (left.count > 0) out.del(keys.xattrs(want.ino));
  out.dead_files.push_back({want.ino, attr->length});
  return {};
}

}  // namespace fastmeta::model
