// SPDX-License-Identifier: GPL-3.0-or-later
// Byte-range locks and flock. A lock that has to wait does so on a thread of its
// own.
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <limits>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

constexpr uint64_t kEndOfFile = std::numeric_limits<int64_t>::max();

uint32_t lock_type(int type) {
  switch (type) {
    case F_RDLCK: return MDP_LOCK_READ;
    case F_WRLCK: return MDP_LOCK_WRITE;
    default: return MDP_LOCK_NONE;
  }
}

mdp_lock to_lock(const struct flock& lock) {
  mdp_lock out{};
  out.start = static_cast<uint64_t>(lock.l_start);
  out.end = lock.l_len == 0 ? kEndOfFile : out.start + static_cast<uint64_t>(lock.l_len) - 1;
  out.type = lock_type(lock.l_type);
  out.pid = static_cast<uint32_t>(lock.l_pid);
  return out;
}

struct flock to_flock(const mdp_lock& lock) {
  struct flock out{};
  out.l_type = lock.type == MDP_LOCK_READ    ? F_RDLCK
               : lock.type == MDP_LOCK_WRITE ? F_WRLCK
                                             : F_UNLCK;
  out.l_whence = SEEK_SET;
  out.l_start = static_cast<off_t>(lock.start);
  out.l_len = lock.end >= kEndOfFile ? 0 : static_cast<off_t>(lock.end - lock.start + 1);
  out.l_pid = static_cast<pid_t>(lock.pid);
  return out;
}

// Whoever gets the lock next must see what was written under it.
void drain_before_unlock(const mdp_caller& who, const fuse_file_info* fi) {
  FileData& data = *handle_of(fi).data;
  if (data.dirty()) data.drain(who);
}

// Tries at once; when the lock is taken elsewhere and may be waited for, goes on on a
// thread of its own. take(who, wait) asks the plugin, undo() gives back a lock whose
// request was given up meanwhile.
template <typename Take, typename Undo>
void take_lock(fuse_req_t req, bool wait, Take take, Undo undo) {
  FileSystem& fs = fs_of(req);
  const int rc = take(caller_of(req), false);
  if (!wait || (rc != -EAGAIN && rc != -EACCES)) return reply_result(req, rc);

  const bool started = fs.lock_waiters.start([&fs, req, take, undo] {
    const Patience patience{req, &fs.lock_waiters.stopping()};
    const int result = take(patient_caller(patience), true);
    if (fuse_reply_err(req, -result) != 0 && result == 0) undo();
  });
  if (!started) reply_result(req, -ENOLCK);
}

void on_getlk(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi, struct flock* asked) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  mdp_lock lock = to_lock(*asked);
  const int rc = fs.ops.getlk(fs.volume, &who, ino, fi->lock_owner, &lock);
  if (rc != 0) return reply_result(req, rc);
  const struct flock found = to_flock(lock);
  fuse_reply_lock(req, &found);
}

void on_setlk(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi, struct flock* asked,
              int sleep) {
  FileSystem& fs = fs_of(req);
  const uint64_t owner = fi->lock_owner;
  mdp_lock lock = to_lock(*asked);
  if (lock.pid == 0) lock.pid = caller_of(req).pid;
  if (lock.type == MDP_LOCK_NONE) {
    const mdp_caller who = caller_of(req);
    drain_before_unlock(who, fi);
    return reply_result(req, fs.ops.setlk(fs.volume, &who, ino, owner, &lock));
  }
  // Noted before it is taken: a close that comes right behind must find it.
  fs.posix_owners.add(ino, owner);
  const bool wait = sleep != 0 && fs.ops.setlkw != nullptr;
  take_lock(
      req, wait,
      [&fs, ino, owner, lock](const mdp_caller& who, bool waiting) {
        const auto call = waiting ? fs.ops.setlkw : fs.ops.setlk;
        return call(fs.volume, &who, ino, owner, &lock);
      },
      [&fs, ino, owner, lock] {
        mdp_caller nobody{};
        nobody.struct_size = sizeof nobody;
        mdp_lock undo = lock;
        undo.type = MDP_LOCK_NONE;
        fs.ops.setlk(fs.volume, &nobody, ino, owner, &undo);
      });
}

void on_flock(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi, int op) {
  FileSystem& fs = fs_of(req);
  const uint64_t owner = fi->lock_owner;
  const int what = op & ~LOCK_NB;
  if (what == LOCK_UN) {
    const mdp_caller who = caller_of(req);
    drain_before_unlock(who, fi);
    return reply_result(req, fs.ops.flock(fs.volume, &who, ino, owner, MDP_LOCK_NONE, 0));
  }
  if (what != LOCK_SH && what != LOCK_EX) return reply_result(req, -EINVAL);
  const uint32_t type = what == LOCK_SH ? MDP_LOCK_READ : MDP_LOCK_WRITE;
  take_lock(
      req, (op & LOCK_NB) == 0,
      [&fs, ino, owner, type](const mdp_caller& who, bool waiting) {
        return fs.ops.flock(fs.volume, &who, ino, owner, type, waiting ? 1 : 0);
      },
      [&fs, ino, owner] {
        mdp_caller nobody{};
        nobody.struct_size = sizeof nobody;
        fs.ops.flock(fs.volume, &nobody, ino, owner, MDP_LOCK_NONE, 0);
      });
}

}  // namespace

void add_lock_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  if (ops.getlk != nullptr && ops.setlk != nullptr) {
    out->getlk = on_getlk;
    out->setlk = on_setlk;
  }
  if (ops.flock != nullptr) out->flock = on_flock;
}

}  // namespace fastmeta::host
