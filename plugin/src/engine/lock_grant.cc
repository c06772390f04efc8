// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lock_grant.h"

#include <chrono>

namespace fastmeta::engine {

namespace {
constexpr std::chrono::milliseconds kBarrierWait{5000};
}

Result<void> await_announced(redis::Client& client, Host& host, const Log& log) {
  // What others wrote before they let go was announced before this reply; then the kernel has
  // to hear of it.
  MDP_TRY(auto pong, client.read_one({"PING"}));
  if (pong.is_error()) return redis::refused(pong, "PING");
  if (!host.invalidations_done(kBarrierWait))
    log.warn("a lock was granted before the kernel had dropped all it remembers");
  return {};
}

}  // namespace fastmeta::engine
