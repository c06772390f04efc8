// SPDX-License-Identifier: GPL-3.0-or-later
// Locks are in the server, so that all clients share them.
#include <algorithm>
#include <cerrno>
#include <thread>

#include "engine/lock_grant.h"
#include "engine/volume.h"

namespace fastmeta::engine {

using model::Ino;
using model::LockRange;
using model::LockType;
using model::Mutations;
using model::View;
using std::chrono::milliseconds;

namespace {
// How often a waiter asks again.
constexpr milliseconds kPollFirst{1};
constexpr milliseconds kPollMost{10};
constexpr size_t kLateReleasesMax = 100'000;
}  // namespace

// Whoever lets go of a lock may be gone in a moment, and the lock would stay as long as our
// session: it is let go of when the server is back.
Result<void> Volume::release_lock(const LockOf& lock, const WriteRule& rule) {
  if (fast()) {
    fast_->held_locks().released(lock.ino, lock.key, lock.owner, lock.span);
    fast_->lock_releases().add(lock.ino, rule);
    return {};
  }
  auto done = server_->release(rule);
  if (done || !LockReleases::may_work_later(done.error())) return done;
  if (lock_releases().waiting() >= kLateReleasesMax) {
    log_.error("a lock of inode {} is not let go of: too many wait for the server", lock.ino);
    return done;
  }
  lock_releases().add(lock.ino, rule);
  return {};
}

Result<void> Volume::lock_with(const LockOf& lock, const WriteRule& rule, bool wait,
                               const Interrupt& interrupt) {
  if (lock.release) return release_lock(lock, rule);
  if (!fast()) MDP_TRY_VOID(health_.may_write());
  // A lock that was let go of here is still held in the server until what was written
  // under it is there, and the server too.
  if (!lock_releases().wait_for(lock.ino, client_->deadline(), interrupt.asked))
    return Error::answer(interrupt() ? EINTR : EAGAIN);
  milliseconds pause = kPollFirst;
  for (;;) {
    auto done = server_->write(rule, {});
    if (done) break;
    if (!wait || done.error().fault != Fault::kAnswer || done.error().code != EAGAIN) return done;
    if (interrupt()) return Error::answer(EINTR);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kPollMost);
  }
  MDP_TRY_VOID(await_announced(*client_, host_, log_));
  if (fast())
    fast_->held_locks().granted(lock.ino, lock.key, lock.owner, lock.pid, lock.span);
  return {};
}

// A file that the server does not have yet may turn out to be another client's: all have to
// lock the same one.
Result<Ino> Volume::lockable(Ino ino, const Interrupt& interrupt) {
  if (fast()) {
    const auto gave_up = [&] { return interrupt() || !health_.may_write(); };
    MDP_TRY(const bool made, fast_->made(open_.number(ino), client_->deadline(), gave_up));
    if (!made) return Error::answer(interrupt() ? EINTR : EIO);
  }
  return open_.number(ino);
}

// The rules below may be run after their caller has gone: they hold what they need.

Result<void> Volume::flock(model::Caller who, Ino ino, uint64_t owner, LockType type, bool wait,
                           const Interrupt& interrupt) {
  const bool release = type == LockType::kNone;
  MDP_TRY(ino, release ? Result<Ino>(open_.number(ino)) : lockable(ino, interrupt));
  return lock_with(
      {ino, keys_.flock(ino), owner, who.pid, release, {}},
      [=](const View& seen, Mutations& out) { return model::flock(seen, ino, owner, type, out); },
      wait, interrupt);
}

Result<void> Volume::setlk(model::Caller who, Ino ino, uint64_t owner, const LockRange& range,
                           bool wait, const Interrupt& interrupt) {
  const bool release = range.type == static_cast<uint32_t>(LockType::kNone);
  MDP_TRY(ino, release ? Result<Ino>(open_.number(ino)) : lockable(ino, interrupt));
  return lock_with({ino, keys_.plock(ino), owner, who.pid, release, {range.start, range.end}},
                   [=](const View& seen, Mutations& out) {
                     return model::set_plock(seen, ino, owner, range, out);
                   },
                   wait, interrupt);
}

Result<LockRange> Volume::getlk(Ino ino, uint64_t owner, const LockRange& range) {
  MDP_TRY(ino, lockable(ino, {}));
  return server_->read_reply<LockRange>(
      [&](const View& seen) { return model::get_plock(seen, ino, owner, range); }, true);
}

}  // namespace fastmeta::engine
