// SPDX-License-Identifier: GPL-3.0-or-later
// The trash directory of the current hour: found in the server, or made there by whichever
// client is the first to need it.
//
// Threads: any; one lock, held for looking at what is known only.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "engine/executor.h"
#include "model/types.h"
#include "redis/client.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::engine {

class TrashHour {
 public:
  // draw: the next number of nextTrash.
  TrashHour(const redis::Client& client, const Clock& clock,
            std::function<Result<uint64_t>()> draw)
      : client_(client), clock_(clock), draw_(std::move(draw)) {}

  // The first call in an hour, and over a connection, asks the server.
  Result<model::Ino> current(Executor& server);
  // Of the hour that was asked for last; 0: none was.
  model::Ino last() const;

 private:
  const redis::Client& client_;
  const Clock& clock_;
  const std::function<Result<uint64_t>()> draw_;
  mutable std::mutex mutex_;
  std::string hour_;
  uint64_t epoch_ = 0;  // of the connection: behind it there may be a server that went back
  model::Ino ino_ = 0;
};

}  // namespace fastmeta::engine
