// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/housekeeper.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "engine/session.h"
#include "model/overlay.h"
#include "model/schema/codec.h"

namespace fastmeta::sim {

using model::SliceRecord;
using model::View;

namespace {
constexpr Time kHousekeeperPause = 60 * kMillisecond;
constexpr uint64_t kMergeOf = 5;  // the rest deletes and cleans
}  // namespace

void Housekeeper::work(const std::function<bool()>& stop) {
  while (!stop()) {
    scheduler_.sleep(static_cast<Time>(dice_.below(static_cast<uint64_t>(kHousekeeperPause))));
    if (!mount_.ready()) continue;
    const uint64_t what = dice_.below(kMergeOf);
    if (what > 1)
      merge();
    else if (what == 1)
      delete_data();
    else if (alive && dice_.one_in(expire ? 2 : 3))
      clean_living();
    else
      clean_session();
  }
}

void Housekeeper::merge() {
  std::vector<std::string> lists;
  for (const std::string& key : history_.keys())
    if (key[0] == 'c' && history_.last({key, {}}).value_or("").size() > model::kSliceRecordBytes)
      lists.push_back(key);
  if (lists.empty()) return;
  const auto list = *sim_keys().parse(dice_.pick(lists));
  auto records = mount_.executor().read_reply<std::vector<SliceRecord>>(
      [&](const View& seen) { return seen.chunk(list.ino, list.index); }, true);
  auto plan = records ? model::plan_compaction(*records) : std::nullopt;
  if (!plan) return;
  const auto id = mount_.new_slice();
  if (!id) return;
  slices_.merged(*id, plan->pos, plan->pieces);
  // The data is read and stored.
  scheduler_.sleep(static_cast<Time>(dice_.below(20 * kMillisecond)));
  model::CompactArgs want;
  want.ino = list.ino;
  want.chunk = list.index;
  want.plan = *plan;
  want.expected.assign(records->begin(), records->begin() + plan->records);
  want.id = *id;
  want.now = SimClock(scheduler_).now();
  want.trash = mount_.has_trash();
  auto done = mount_.executor().write(
      [&](const View& seen, model::Mutations& out) { return model::compact(seen, want, out); }, {});
  if (!done) return;
  ++merges_;
  log_(fmt::format("{}: {} slices of chunk {} of {} become {}", mount_.name(), plan->records,
                   list.index, list.ino, *id));
}

void Housekeeper::delete_data() {
  auto dead = mount_.redis().read_one(
      {"ZRANGEBYSCORE", "delfiles", "-inf", "+inf", "LIMIT", "0", "5"});
  if (!dead || dead->items.empty()) return;
  const std::string member = dead->items[dice_.below(dead->items.size())].text;
  const model::Ino ino = std::stoull(member);
  for (const std::string& key : std::vector<std::string>(history_.keys())) {
    const auto parsed = sim_keys().parse(key);
    if (parsed->kind != 'c' || parsed->ino != ino) continue;
    auto gone = mount_.executor().write(
        [&](const View& seen, model::Mutations& out) {
          return model::delete_chunk(seen, ino, parsed->index, out);
        },
        {});
    if (!gone) return;  // another time
  }
  if (!mount_.redis().write_one({"ZREM", "delfiles", member})) return;
  ++deletions_;
  log_(fmt::format("{}: the data of {} is deleted", mount_.name(), ino));
}

void Housekeeper::clean_session() {
  if (sessions_.empty()) return;
  const uint64_t number = dice_.pick(sessions_);
  if (!clean_after(scheduler_, mount_, number)) return;
  std::erase(sessions_, number);
  ++cleaned_;
  log_(fmt::format("{}: session {} is cleaned up after", mount_.name(), number));
}

void Housekeeper::clean_living() {
  const uint64_t number = alive();
  if (number == 0) return;
  if (expire && !dice_.one_in(3)) {
    if (!clean_after(scheduler_, mount_, number)) return;
    ++expired_;
    log_(fmt::format("{}: session {}, which is alive, is cleaned up after", mount_.name(), number));
    return;
  }
  // Its locks go first; the rest is left for another time.
  const SimClock clock(scheduler_);
  const model::KeySpace keys = sim_keys();
  engine::Session session(mount_.redis(), keys, clock, Log(), kHeartbeat, "");
  const auto stopped = session.clean(number, [](uint64_t, model::Ino) -> Result<void> {
    return Error::answer(ECANCELED);
  });
  static_cast<void>(stopped);
  ++locks_;
  log_(fmt::format("{}: session {} loses its locks", mount_.name(), number));
}

Result<void> clean_after(const Scheduler& scheduler, SimMount& mount, uint64_t number) {
  const SimClock clock(scheduler);
  const model::KeySpace keys = sim_keys();
  engine::Session session(mount.redis(), keys, clock, Log(), kHeartbeat, "");
  return session.clean(number, [&](uint64_t, model::Ino ino) -> Result<void> {
    auto closed = mount.executor().apply(model::LastCloseArgs{{}, ino}, {});
    if (!closed && closed.error().fault != Fault::kAnswer) return closed.error();
    auto gone =
        mount.redis().write_one({"SREM", keys.session_sustained(number), std::to_string(ino)});
    return gone ? Result<void>() : Result<void>(gone.error());
  });
}

}  // namespace fastmeta::sim
