// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/client.h"

#include <algorithm>
#include <utility>

#include "util/bytes.h"

namespace fastmeta::sim {

namespace {
constexpr uint64_t kLease = 64;
constexpr Time kRemoveAgain = 20 * kMillisecond, kFlush = 80 * kMillisecond,
               kRelease = 4 * kMillisecond, kNoRelease = 12 * kMillisecond;
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

Result<uint64_t> SimMount::new_hour() {
  MDP_TRY(auto reply, redis().write_one({"INCRBY", "nextTrash", "1"}));
  if (reply.is_error()) return redis::refused(reply, "INCRBY");
  return static_cast<uint64_t>(reply.number);
}

Result<void> SimMount::find_trash(model::Operation& operation) {
  auto find = [&](model::Ino loser, model::Ino& trash) -> Result<void> {
    if (!has_trash() || model::is_trash(loser)) return {};
    trash = trash_until_sent();
    if (trash != 0) return {};
    MDP_TRY(trash, trash_hour().current(server()));
    return {};
  };
  if (auto* op = std::get_if<model::Unlink>(&operation))
    return find(op->want.parent, op->want.trash);
  if (auto* op = std::get_if<model::Rmdir>(&operation))
    return find(op->want.parent, op->want.trash);
  if (auto* want = std::get_if<model::RenameArgs>(&operation))
    return find(want->new_parent, want->trash);
  return {};
}

namespace {
model::Ino hour_of(const model::Operation& operation) {
  return std::visit(
      [](const auto& want) {
        if constexpr (requires { want.want.trash; }) return want.want.trash;
        else if constexpr (requires { want.trash; }) return want.trash;
        else return model::Ino{0};
      },
      operation);
}
}  // namespace

Result<model::OperationReply> SimMount::carry_out(const model::Operation& operation,
                                                  const engine::WriteHints& hints) {
  return executor().apply(operation, hints);
}

Result<model::OperationReply> SimMount::apply(model::Operation operation, bool staged) {
  MDP_TRY_VOID(find_trash(operation));
  engine::WriteHints hints;
  hints.staged = staged;
  auto done = carry_out(operation, hints);
  lost_statistics_ |= !done && done.error().fault == Fault::kUnreachable;
  MDP_TRY(auto reply, std::move(done));
  host().kernel.done(operation, reply);
  // As the volume does.
  auto fate = [&](model::Ino ino, model::Fate what) {
    if (what == model::Fate::kTrashed) host().names_changed(hour_of(operation));
    if (what != model::Fate::kSustained || open().sustain(ino)) return;
    static_cast<void>(remove_sustained(ino));
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
  while (!remove_sustained(ino)) scheduler.sleep(kRemoveAgain);
}

void SimMount::carry_out_releases(Scheduler& scheduler) {
  for (;;) {
    const bool done = lock_releases().step();
    scheduler.check_alive();
    if (!done) scheduler.sleep(lock_releases().waiting() > 0 ? kRelease : kNoRelease);
  }
}

void SimMount::flush_statistics(Scheduler& scheduler) {
  for (;;) {
    scheduler.sleep(kFlush);
    const auto sent = statistics().flush();
    lost_statistics_ |= !sent && sent.error().fault == Fault::kUnreachable;
    scheduler.check_alive();
  }
}

Result<void> SimMount::remove_sustained(model::Ino ino) {
  MDP_TRY_VOID(executor().apply(model::LastCloseArgs{{}, ino}, {}));
  host().kernel.inode_changed(ino);  // the kernel forgets it
  return {};
}

void tell_kernel(engine::Host& host, const std::string& key) {
  const auto parsed = sim_keys().parse(key);
  if (!parsed) return;
  if (parsed->kind == 'i') host.attr_changed(parsed->ino);
  if (parsed->kind == 'd') host.names_changed(parsed->ino);
}

}  // namespace fastmeta::sim
