// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/plain_client.h"

#include "util/check.h"

namespace fastmeta::sim {

namespace {

// Without a cache as the standard client does it: each transaction on a connection of its own.
engine::PassthroughOptions options(bool caches) {
  engine::PassthroughOptions options;
  options.shares_connection = caches;
  if (!caches) options.listed_along = 0;
  return options;
}

}  // namespace

PlainClient::PlainClient(SimServer& server, LinkState& link, std::string name, uint64_t session,
                         bool caches)
    : name_(std::move(name)),
      process_(std::make_shared<Process>(Process{name_})),
      scheduler_(server.scheduler()),
      link_(link),
      client_(server, link, process_),
      executor_(client_, keys_, cache_, echoes_, open_, effects_,
                {[this] { return facts_; }, [] { return Result<void>(); },
                 [] { return Result<void>(); },
                 [this](const std::string& key) { cache_.invalidate(key); }},
                options(caches), Log()) {
  facts_.session = session;
  facts_.dir_stats = false;
  redis::ClientHooks hooks;
  hooks.on_invalidate = [this](std::span<const std::string> changed) {
    for (const std::string& key : changed)
      if (keys_.parse(key) && !echoes_.take(key)) cache_.invalidate(key);
  };
  hooks.on_flush = [this] { cache_.clear(); };
  hooks.on_lost = [this] {
    cache_.disable();
    echoes_.clear();
  };
  hooks.on_ready = [this, caches] {
    echoes_.clear();
    if (caches) cache_.enable();
  };
  MDP_CHECK(client_.start(std::move(hooks)));
}

bool PlainClient::decided() const { return scheduler_.now() > link_.late_until; }

}  // namespace fastmeta::sim
