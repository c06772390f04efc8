// SPDX-License-Identifier: GPL-3.0-or-later
// One run: a server, some clients of both kinds, users that work on them, and what goes
// wrong meanwhile; then everything heals, all that is pending is sent, and what must hold
// is checked. The seed decides everything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastmeta::sim {

struct Plan {
  uint64_t seed = 0;
  uint64_t steps = 300;   // operations, all users together
  bool crowd = false;     // users share their names
  bool cuts = true;       // links break, stall, come back
  bool kills = true;      // processes in mode fast-meta die
  bool restarts = true;   // of the server, which keeps everything
  bool plain = true;      // others beside fast-meta
  bool housekeeping = true;  // a client that merges, and deletes what is gone
  bool losses = false;    // a server that restarts forgets its last second; one client only
  bool statistics = false;  // of directories
  bool trash = false;     // what is removed goes there
  bool expiries = false;  // sessions of the living are cleaned up after, with their open files
  bool power = false;     // machines go down: acknowledged changes may be lost
  bool eviction = false;  // clean rows of local stores go all the time
  bool full_disks = false;    // local stores without room
  bool rollbacks = false;     // … whose transactions meet others
  bool broken_stores = false; // … that fail for good; a restart follows
  bool lag = false;       // what tells a mount of changes comes late
  bool refusals = false;  // a server that is in no state to carry out what it is sent
  bool verbose = false;   // print what happens as it does
};
// What the seed alone says.
Plan plan_of(uint64_t seed, uint64_t steps);

struct Outcome {
  std::vector<std::string> findings;  // empty: everything held
  uint64_t operations = 0, kills = 0, cuts = 0, restarts = 0;
  uint64_t conflicts = 0, adopted = 0, nils = 0, scripts = 0;
  uint64_t merges = 0, deletions = 0, sessions = 0;  // of the housekeeping
  uint64_t expiries = 0;           // of sessions that were alive
  uint64_t counts = 0, locks = 0;  // under a lock; taken away
  uint64_t reads = 0;                 // values that readers have judged
  uint64_t evicted = 0, refusals = 0, broken = 0;  // rows; of full stores; stores
  uint64_t refused = 0;  // commands, by the server
  std::vector<std::string> history;   // the last lines of what happened
};
Outcome run(const Plan& plan);

}  // namespace fastmeta::sim
