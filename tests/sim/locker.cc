// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/locker.h"

#include <fmt/format.h>

#include <cerrno>

#include "engine/lock_grant.h"
#include "model/rules/attrs.h"
#include "model/rules/locks.h"
#include "util/bytes.h"

namespace fastmeta::sim {

using model::LockType;
using model::View;

namespace {
constexpr Time kLockerPause = 40 * kMillisecond, kTakeAgain = 4 * kMillisecond,
               kHeld = 6 * kMillisecond;
constexpr int kPatience = 50;

uint64_t number_of(const std::string& count) {
  return parse_decimal<uint64_t>(count.substr(0, count.find(' '))).value_or(0);
}

std::string name_of(const std::string& count) { return count.substr(count.find(' ') + 1); }
}  // namespace

void Locker::work(const std::function<bool()>& stop) {
  while (!stop()) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kLockerPause))));
    if (!mount_.ready()) continue;
    const uint64_t owner = ++tries_;
    if (lock(owner, stop)) count_up(owner);
    unlock(owner);
  }
}

bool Locker::lock(uint64_t owner, const std::function<bool()>& stop) {
  // What was let go of here others may not have yet (I8).
  while (mount_.lock_releases().waits(file_)) {
    if (stop()) return false;
    scheduler_.sleep(kTakeAgain);
  }
  for (int i = 0; i < kPatience && !stop(); ++i) {
    auto done = mount_.server().write(
        [&](const View& seen, model::Mutations& out) {
          return model::flock(seen, file_, owner, LockType::kWrite, out);
        },
        {});
    if (done) {
      if (!engine::await_announced(mount_.redis(), mount_.host(), Log())) return false;
      mount_.lock_granted(file_, owner);
      return true;
    }
    if (done.error().fault != Fault::kAnswer || done.error().code != EAGAIN) return false;
    // So that it is known here what others had counted before.
    if (dice_.one_in(2)) static_cast<void>(count());
    scheduler_.sleep(kTakeAgain);
  }
  return false;
}

Result<std::string> Locker::count() {
  return mount_.executor().read_reply<std::string>(
      [&](const View& seen) { return model::getxattr(seen, file_, kXattr); });
}

void Locker::count_up(uint64_t owner) {
  const auto now = count();
  if (!now && (now.error().fault != Fault::kAnswer || now.error().code != ENODATA)) return;
  scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kHeld))));
  if (!mount_.ready()) return;
  const std::string name = fmt::format("{}.{}.{}", mount_.name(), mount_.session(), owner);
  model::SetXattrArgs want;
  want.ino = file_;
  want.name = kXattr;
  want.value = fmt::format("{} {}", now ? number_of(*now) + 1 : 1, name);
  counted_.unanswered.insert(name);
  engine::WriteHints hints;
  hints.who.pid = SimMount::kLocker;
  const auto done = mount_.executor().apply(want, hints);
  // Of others nobody knows.
  const bool refused =
      !done && (done.error().fault == Fault::kAnswer || done.error().code == ENOSPC);
  if (done || refused) counted_.unanswered.erase(name);
  if (!done) return;
  counted_.acknowledged.insert(name);
  log_(fmt::format("{} counts {}", mount_.name(), want.value));
}

void Locker::unlock(uint64_t owner) {
  // It is run after this has gone.
  mount_.release_lock(file_, owner,
                      [file = file_, owner](const View& seen, model::Mutations& out) {
                        return model::flock(seen, file, owner, LockType::kNone, out);
                      });
}

void check_counts(const History& history, model::Ino file, const Counted& counted,
                  const std::set<std::string>& undone, bool lossy, Findings& findings) {
  std::set<std::string> seen;
  uint64_t last = 0;
  for (const std::string& count : history.values({sim_keys().xattrs(file), Locker::kXattr})) {
    if (number_of(count) != last + 1)
      findings.add(fmt::format("\"{}\" was counted after {} under a lock", count, last));
    last = number_of(count);
    if (!seen.insert(name_of(count)).second)
      findings.add(fmt::format("{} was counted twice", name_of(count)));
  }
  for (const std::string& name : seen) {
    if (undone.contains(name)) findings.add(fmt::format("{} is in a journal and counted", name));
    if (!counted.acknowledged.contains(name) && !counted.unanswered.contains(name))
      findings.add(fmt::format("{} was refused and is counted", name));
  }
  for (const std::string& name : counted.acknowledged)
    if (!lossy && !seen.contains(name) && !undone.contains(name))
      findings.add(fmt::format("{} was acknowledged and is not counted", name));
}

}  // namespace fastmeta::sim
