// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lock_grant.h"

#include <chrono>

namespace fastmeta::engine {

namespace {
constexpr std::chrono::milliseconds kBarrierWait{5000};
}  // namespace

Result<void> await_news(redis::Client& client) {
  // On the connection that hears of changes: they were announced before this reply.
  MDP_TRY(auto pong, client.read_one({"PING"}));
  return pong.is_error() ? Result<void>(redis::refused(pong, "PING")) : Result<void>();
}

Result<void> await_announced(redis::Client& client, Host& host, const Log& log) {
  MDP_TRY_VOID(await_news(client));
  if (!host.invalidations_done(kBarrierWait))
    log.warn("a lock was granted before the kernel had dropped all it remembers");
  return {};
}

}  // namespace fastmeta::engine
