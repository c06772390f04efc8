// SPDX-License-Identifier: GPL-3.0-or-later
// Our entry among the clients of the volume: registered before locks are taken
// or unlinked files are kept, renewed by heartbeats, removed at the end. A
// session that others found stale has lost its locks and sustained files.
//
// Times are the server's: a clock of this machine that is set wrong must neither make us look
// dead to others nor others to us.
//
// Threads: open, heartbeat and close by one thread at a time; id() any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::engine {

class Session {
 public:
  // Removes an inode that only a dead session kept.
  using RemoveSustained = std::function<Result<void>(uint64_t session, model::Ino ino)>;

  Session(redis::Client& client, const model::KeySpace& keys, const Clock& clock, Log log,
          std::chrono::milliseconds heartbeat, std::string mount_point);

  // Again after a loss: with another number.
  Result<void> open();
  uint64_t id() const { return id_.load(std::memory_order_acquire); }

  // Renews the entry. `lost` of the reply: others had declared it stale.
  struct Beat {
    bool lost = false;
  };
  Result<Beat> heartbeat();

  // Locks, sustained files and entry of one session, our own or a stale one. An
  // error leaves the rest for a later pass.
  Result<void> clean(uint64_t session, const RemoveSustained& remove);
  // Those with an entry that names this host, of the living and the dead.
  Result<std::vector<uint64_t>> of_this_host();
  // Whether it has an entry: it is somebody's.
  Result<bool> exists(uint64_t session);
  // Cleans the sessions whose time is over, if nobody did so within a heartbeat.
  Result<void> clean_stale(const RemoveSustained& remove);

 private:
  // now: seconds, as in server_time().
  Result<bool> take_job(std::string_view key, std::chrono::milliseconds period, int64_t now);
  // Seconds since 1970 on the server; ours where it does not tell.
  Result<int64_t> server_time();
  // When an entry that is renewed now is stale.
  Result<std::string> expiry();

  redis::Client& client_;
  const model::KeySpace& keys_;
  const Clock& clock_;
  const Log log_;
  const std::chrono::milliseconds heartbeat_;
  const std::string mount_point_;
  std::atomic<uint64_t> id_{0};
};

}  // namespace fastmeta::engine
