// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trash_hour.h"

#include <cerrno>

#include "model/rules/names.h"
#include "model/schema/keys.h"

namespace fastmeta::engine {

using model::Ino;
using model::Mutations;
using model::View;

Result<Ino> TrashHour::current(Executor& server) {
  const Timestamp now = clock_.now();
  const std::string hour = model::trash_hour_name(now);
  const uint64_t epoch = client_.epoch();
  {
    std::lock_guard lock(mutex_);
    if (hour_ == hour && epoch_ == epoch) return ino_;
  }
  model::TrashHourArgs want{now, 0};
  auto found = server.read_reply<model::TrashHourReply>(
      [&](const View& seen) {
        Mutations none;
        return model::trash_hour(seen, want, none);
      },
      true);
  if (!found && found.error().fault == Fault::kAnswer && found.error().code == ENOENT) {
    MDP_TRY(const uint64_t number, draw_());
    want.ino = model::kTrashIno + number;
    // Also while changes are refused: until the last of them is sent, which may need it.
    MDP_TRY_VOID(server.release([&](const View& seen, Mutations& out) -> Result<void> {
      MDP_TRY(found, model::trash_hour(seen, want, out));
      return {};
    }));
  }
  MDP_TRY(auto directory, std::move(found));
  std::lock_guard lock(mutex_);
  hour_ = hour;
  epoch_ = epoch;
  ino_ = directory.ino;
  return directory.ino;
}

Ino TrashHour::last() const {
  std::lock_guard lock(mutex_);
  return ino_;
}

}  // namespace fastmeta::engine
