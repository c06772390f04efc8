// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps our session, and what it keeps for us: files that lost their last name while they are
// open here. When others have cleaned the session away, another one follows, under which those
// of the files that are still there are kept. What was on its way meanwhile may still come under
// the old number, files and locks, and nobody else cleans up after that: it is looked for with
// each beat.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "engine/executor.h"
#include "engine/open_table.h"
#include "engine/session.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/log.h"
#include "util/result.h"

namespace fastmeta::engine {

class SessionKeeper {
 public:
  struct Volume {
    // The session has another number from now on.
    std::function<void(uint64_t)> follows;
    // Removes a file without a name, which nobody here has open.
    std::function<Result<void>(model::Ino)> remove;
  };
  SessionKeeper(redis::Client& client, const model::KeySpace& keys, Executor& server,
                Session& session, const OpenTable& open, Volume volume, Log log)
      : client_(client),
        keys_(keys),
        server_(server),
        session_(session),
        open_(open),
        volume_(std::move(volume)),
        log_(std::move(log)) {}

  // Before the session opens: among those of this host are the ones of our earlier starts.
  Result<void> find_earlier();
  // A heartbeat; what it could not do is left to the next one.
  Result<void> beat();
  // Once all is sent that an earlier start had acknowledged: its closes have removed files under
  // our number, and in the set of its own session the standard client leaves what is gone.
  Result<void> tidy_earlier();

 private:
  Result<void> sustain(model::Ino ino);
  // Of a session that was ours and has no entry any more. false: the number is somebody's again.
  Result<bool> take_over(uint64_t former);

  redis::Client& client_;
  const model::KeySpace& keys_;
  Executor& server_;
  Session& session_;
  const OpenTable& open_;
  const Volume volume_;
  const Log log_;
  std::vector<model::Ino> to_sustain_;  // under the session that there is now
  std::vector<uint64_t> earlier_;       // sessions of this host
  std::deque<uint64_t> former_;         // sessions of ours that were cleaned away; the last ones
};

}  // namespace fastmeta::engine
