// SPDX-License-Identifier: GPL-3.0-or-later
// What the volume tells of itself.
#include <nlohmann/json.hpp>

#include "engine/volume.h"

namespace fastmeta::engine {

namespace {
const char* name_of(State state) {
  switch (state) {
    case State::kStarting: return "starting";
    case State::kRecovering: return "recovering";
    case State::kWritable: return "writable";
    case State::kReadOnly: return "read-only";
    case State::kFailed: return "failed";
    case State::kStopped: return "stopped";
  }
  return "unknown";
}
}  // namespace

std::string Volume::stats_json() const {
  const Health::Seen health = health_.seen();
  const ValueCache::Stats cache = cache_->stats();
  const Passthrough::Stats work = executor_->stats();
  const model::VolumeFacts facts = facts_.now();
  nlohmann::json out;
  {
    std::lock_guard lock(setting_mutex_);
    out["volume"] = {{"name", setting_.name}, {"uuid", setting_.uuid}};
  }
  out["mode"] = "passthrough";
  out["state"] = name_of(health.state);
  out["reason"] = health.reason;
  out["session"] = facts.session;
  out["server"] = {{"version", client_->server().version},
                   {"connected", client_->connected()},
                   {"epoch", client_->epoch()}};
  out["used"] = {{"bytes", facts.used_space}, {"inodes", facts.used_inodes}};
  const double asked = static_cast<double>(cache.hits + cache.misses);
  out["cache"] = {{"keys", cache.keys},
                  {"bytes", cache.bytes},
                  {"hits", cache.hits},
                  {"misses", cache.misses},
                  {"hit_ratio", asked > 0 ? static_cast<double>(cache.hits) / asked : 0.0},
                  {"evicted", cache.evicted},
                  {"invalidations", cache.invalidations},
                  {"cancelled_fills", cache.cancelled_fills}};
  out["transactions"] = {{"started", work.transactions},
                         {"lost_races", work.conflicts},
                         {"round_trips", work.round_trips}};
  out["open_inodes"] = open_.size();
  out["waiting"] = {{"dir_stats", dir_stats_->pending()}, {"deletions", deleter_->waiting()}};
  return out.dump();
}

}  // namespace fastmeta::engine
