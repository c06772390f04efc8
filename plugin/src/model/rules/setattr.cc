// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/accounting.h"
#include "model/rules/attrs.h"
#include "model/rules/checks.h"

namespace fastmeta::model {

namespace {

constexpr uint16_t kSetIds = 06000;
constexpr uint8_t kSettableFlags = kImmutable | kAppendOnly | kSkipTrash;

// What a change of owner leaves of the set-id bits, as ext4 does it: root keeps
// setgid of a file without group execution (mandatory locking, once).
uint16_t without_set_ids(const Caller& who, const Attr& attr, uint16_t perm) {
  if (attr.is_dir()) return perm;
  const bool keeps_setgid = who.uid == 0 && (attr.perm & 010) == 0;
  return perm & (keeps_setgid ? 03777 : 01777);
}

Result<void> change_owner(const SetattrArgs& want, Attr& attr) {
  const Caller& who = want.who;
  if (want.gid) {
    if (who.uid != 0 && who.uid != attr.uid) return answer(EPERM);
    attr.gid = *want.gid;
  }
  if (want.uid) attr.uid = *want.uid;
  return {};
}

Result<void> change_mode(const Caller& who, Ino owner, uint16_t perm, Attr& attr) {
  if (perm == attr.perm) return {};
  const bool others = who.uid != 0 && who.uid != owner;
  const bool adds_set_id = (perm & kSetIds & ~attr.perm) != 0;
  if (others && ((perm & 01777) != (attr.perm & 01777) || adds_set_id)) return answer(EPERM);
  attr.perm = perm;
  return {};
}

// As the kernel clears them when someone else writes to a file.
void kill_set_ids(Attr& attr) {
  if (!attr.is_file()) return;
  attr.perm &= ~04000;
  if (attr.perm & 010) attr.perm &= ~02000;
}

// Explicit times of root's files are root's alone.
Result<bool> change_time(const SetattrArgs& want, uint32_t owner, bool to_now,
                         const std::optional<Timestamp>& to, Timestamp& time) {
  if (to_now) {
    time = want.now;
    return true;
  }
  if (!to || *to == time) return false;
  if (owner == 0 && want.who.uid != 0) return answer(EPERM);
  time = *to;
  return true;
}

}  // namespace

Result<Attr> setattr(const View& seen, const SetattrArgs& want, Mutations& out) {
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino)}));
  MDP_TRY(auto stored, seen.attr(want.ino));
  if (!stored) return answer(ENOENT);
  if (is_trashed(*stored) || is_trash(want.ino)) return answer(EPERM);

  const Attr before = *stored;
  Attr& attr = *stored;
  const bool owner_asked = want.uid || want.gid;
  bool changed = false;
  std::optional<uint16_t> mode;
  if (want.mode) mode = *want.mode & 07777;
  if (owner_asked && mode) mode = *mode | (attr.perm & kSetIds);
  if (owner_asked && (attr.perm & kSetIds) != 0) {
    if (mode) mode = without_set_ids(want.who, attr, *mode);
    attr.perm = without_set_ids(want.who, attr, attr.perm);
    changed = true;
  }
  MDP_TRY_VOID(change_owner(want, attr));
  if (mode) MDP_TRY_VOID(change_mode(want.who, before.uid, *mode, attr));
  if (want.kill_suid) kill_set_ids(attr);
  MDP_TRY(bool atime, change_time(want, before.uid, want.atime_now, want.atime, attr.atime));
  MDP_TRY(bool mtime, change_time(want, before.uid, want.mtime_now, want.mtime, attr.mtime));
  if (want.flags) {
    if (*want.flags & ~kSettableFlags) return answer(ENOTSUP);
    attr.flags = static_cast<uint8_t>((attr.flags & ~kSettableFlags) | *want.flags);
  }
  changed = changed || atime || mtime || attr != before;
  if (changed) {
    touch_ctime(attr, want.now);
    put_attr(seen, out, want.ino, attr);
  }
  return std::move(attr);
}

}  // namespace fastmeta::model
