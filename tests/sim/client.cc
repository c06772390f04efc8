// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/client.h"

#include <algorithm>
#include <utility>

#include "util/bytes.h"

namespace fastmeta::sim {

namespace {
constexpr uint64_t kLease = 64;
constexpr Time kAgain = 20 * kMillisecond;
}

const std::set<std::string>& SimMount::pending() const {
  static const std::set<std::string> kNone;
  return kNone;
}

Result<uint64_t> SimMount::draw(const char* counter, Leased& leased) {
  while (leased.next >= leased.end) {
    MDP_TRY(auto reply, redis().write_one({"INCRBY", counter, std::to_string(kLease)}));
    if (reply.is_error()) return redis::refused(reply, "INCRBY");
    leased.end = static_cast<uint64_t>(reply.number) + 1;
    leased.next = std::max(leased.end - kLease, leased.highest + 1);
    leased.highest = std::max(leased.highest, leased.end - 1);
  }
  return leased.next++;
}

void SimMount::raise_counters() {
  for (const auto& [counter, leased] : {std::pair{"nextinode", &inodes_},
                                        std::pair{"nextchunk", &slices_}}) {
    auto now = redis().read_one({"GET", counter});
    const auto number = now ? parse_decimal<uint64_t>(now->text).value_or(0) : leased->highest;
    if (number < leased->highest)
      static_cast<void>(
          redis().write_one({"INCRBY", counter, std::to_string(leased->highest - number)}));
  }
}

Result<model::OperationReply> SimMount::apply(const model::Operation& operation, bool staged) {
  engine::WriteHints hints;
  hints.staged = staged;
  MDP_TRY(auto reply, executor().apply(operation, hints));
  host().kernel.done(operation, reply);
  // As the volume does.
  auto fate = [&](model::Ino ino, model::Fate what) {
    if (what != model::Fate::kSustained || open().sustain(ino)) return;
    last_close(ino);
  };
  if (const auto* lost = std::get_if<model::UnlinkReply>(&reply)) fate(lost->ino, lost->fate);
  if (const auto* moved = std::get_if<model::RenameReply>(&reply))
    fate(moved->other, moved->other_fate);
  return reply;
}

void SimMount::close(model::Ino ino, Scheduler& scheduler) {
  barrier(open().number(ino));
  if (!open().closed(ino).sustained) return;
  // Until it is taken: nobody else would remove the inode.
  while (!last_close(ino)) scheduler.sleep(kAgain);
}

bool SimMount::last_close(model::Ino ino) {
  const auto closed = executor().apply(model::LastCloseArgs{{}, ino}, {});
  // Without a name and a handle the kernel forgets it.
  if (closed) host().kernel.inode_changed(ino);
  return closed.has_value();
}

void tell_kernel(engine::Host& host, const std::string& key) {
  const auto parsed = sim_keys().parse(key);
  if (!parsed) return;
  if (parsed->kind == 'i') host.attr_changed(parsed->ino);
  if (parsed->kind == 'd') host.names_changed(parsed->ino);
}

}  // namespace fastmeta::sim
