// SPDX-License-Identifier: GPL-3.0-or-later
// Locks.
#include <cerrno>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

model::LockRange to_range(const mdp_lock& lock) {
  return {lock.type, lock.pid, lock.start, lock.end};
}

int flock(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t owner, uint32_t type,
          int wait) {
  return guarded(v, "flock", [&] {
    if (type > MDP_LOCK_NONE) return -EINVAL;
    auto done = v->volume->flock(to_caller(who), ino, owner, static_cast<model::LockType>(type),
                                 wait != 0, to_interrupt(who));
    return done ? 0 : to_errno(v->log, done.error(), "flock");
  });
}

int getlk(mdp_volume* v, const mdp_caller*, uint64_t ino, uint64_t owner, mdp_lock* lock) {
  return guarded(v, "getlk", [&] {
    auto found = v->volume->getlk(ino, owner, to_range(*lock));
    if (!found) return to_errno(v->log, found.error(), "getlk");
    *lock = {found->start, found->end, found->type, found->pid};
    return 0;
  });
}

int set(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t owner, const mdp_lock* lock,
        bool wait) {
  return guarded(v, "setlk", [&] {
    if (lock->type > MDP_LOCK_NONE || lock->start > lock->end) return -EINVAL;
    auto done = v->volume->setlk(to_caller(who), ino, owner, to_range(*lock), wait,
                                 to_interrupt(who));
    return done ? 0 : to_errno(v->log, done.error(), "setlk");
  });
}

int setlk(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t owner,
          const mdp_lock* lock) {
  return set(v, who, ino, owner, lock, false);
}

int setlkw(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t owner,
           const mdp_lock* lock) {
  return set(v, who, ino, owner, lock, true);
}

}  // namespace

void add_lock_ops(mdp_ops& ops) {
  ops.flock = flock;
  ops.getlk = getlk;
  ops.setlk = setlk;
  ops.setlkw = setlkw;
}

}  // namespace fastmeta::abi
