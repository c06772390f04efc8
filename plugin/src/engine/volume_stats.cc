// SPDX-License-Identifier: GPL-3.0-or-later
// What the volume tells of itself.
#include <nlohmann/json.hpp>

#include "config/units.h"
#include "engine/volume.h"

namespace fastmeta::engine {

namespace {
const char* state_name(State state) {
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

// What both modes tell of the executor over the server, and of their cache.
void Volume::add_passthrough_stats(nlohmann::json& out) const {
  const ValueCache::Stats cache = cache_->stats();
  const double asked = static_cast<double>(cache.hits + cache.misses);
  out["cache"] = {{"keys", cache.keys},
                  {"bytes", cache.bytes},
                  {"hits", cache.hits},
                  {"misses", cache.misses},
                  {"hit_ratio", asked > 0 ? static_cast<double>(cache.hits) / asked : 0.0},
                  {"evicted", cache.evicted},
                  {"invalidations", cache.invalidations},
                  {"cancelled_fills", cache.cancelled_fills}};
}

void Volume::add_fast_meta_stats(nlohmann::json& out) const {
  const Backlog::Seen pending = fast_->backlog().seen();
  const Reintegration::Stats sync = fast_->reintegration().stats();
  const Mirror::Stats cache = fast_->mirror().stats();
  const store::Tables::Stats store = fast_->store().stats();
  const int64_t oldest_ms =
      pending.oldest ? clock_.now().since(*pending.oldest) / 1'000'000 : 0;
  out["backlog"] = {{"records", pending.records},
                    {"bytes", pending.bytes},
                    {"oldest_ms", oldest_ms},
                    {"sent", pending.sent},
                    {"sent_per_s", pending.sent_per_s},
                    {"waiting_for_data", sync.waiting_for_data},
                    {"last", fast_->backlog().last()}};
  out["sync"] = {{"batches", sync.batches},     {"applied", sync.applied},
                 {"nil", sync.nils},            {"scripts", sync.scripts},
                 {"retries", sync.retries},     {"cancelled", sync.cancelled},
                 {"content_overwrites", sync.content_overwrites}};
  out["conflicts"] = {{"total", sync.conflicts},
                      {"adopted", sync.adopted},
                      {"unreported", fast_->sacrifices().unreported()}};
  const double asked = static_cast<double>(cache.hits + cache.misses);
  out["cache"] = {{"hits", cache.hits},
                  {"misses", cache.misses},
                  {"hit_ratio", asked > 0 ? static_cast<double>(cache.hits) / asked : 0.0},
                  {"rows", store.rows ? nlohmann::json(*store.rows) : nlohmann::json()},
                  {"fetches", cache.fetches},
                  {"listings", cache.listings},
                  {"evicted", fast_->evicted()},
                  {"epoch", fast_->validity().epoch()}};
  out["store"] = {{"bytes_on_disk", store.bytes_on_disk},
                  {"bytes_reusable", store.bytes_reusable},
                  {"log_bytes", store.log_bytes},
                  {"bytes_in_cache", store.bytes_in_cache},
                  {"commits", store.commits},
                  {"rollbacks", store.rollbacks},
                  {"syncs", store.syncs}};
}

std::string Volume::stats_json() const {
  const Health::Seen health = health_.seen();
  const Passthrough::Stats work = server_->stats();
  const model::VolumeFacts facts = this->facts();
  nlohmann::json out;
  {
    std::lock_guard lock(setting_mutex_);
    out["volume"] = {{"name", setting_.name}, {"uuid", setting_.uuid}};
  }
  out["mode"] = fast() ? "fast-meta" : "passthrough";
  out["state"] = state_name(health.state);
  out["reason"] = health.reason;
  out["session"] = facts.session;
  out["server"] = {{"url", config::mask_url(config_.meta.url)},
                   {"version", client_->server().version},
                   {"connected", client_->connected()},
                   {"epoch", client_->epoch()}};
  out["used"] = {{"bytes", facts.used_space}, {"inodes", facts.used_inodes}};
  if (fast())
    add_fast_meta_stats(out);
  else
    add_passthrough_stats(out);
  out["transactions"] = {{"started", work.transactions},
                         {"lost_races", work.conflicts},
                         {"round_trips", work.round_trips}};
  out["open_inodes"] = open_.size();
  out["locks"] = {{"waiting_releases", lock_releases().waiting()}};
  out["waiting"] = {{"dir_stats", dir_stats_->pending()}, {"deletions", deleter_->waiting()}};
  return out.dump();
}

}  // namespace fastmeta::engine
