// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/plain_client.h"

#include "engine/passthrough/scan_reader.h"
#include "util/check.h"

namespace fastmeta::sim {

namespace {

constexpr size_t kListingMax = 10'000;

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
      caches_(caches),
      process_(std::make_shared<Process>(Process{name_})),
      scheduler_(server.scheduler()),
      link_(link),
      client_(server, link, process_),
      executor_(client_, keys_, cache_, echoes_, open_, effects_,
                {[this] { return facts_; }, [] { return Result<void>(); },
                 [] { return Result<void>(); },
                 [this](const std::string& key) { outdated(key); }},
                options(caches), Log()) {
  facts_ = server.settings;
  facts_.session = session;
  redis::ClientHooks hooks;
  hooks.on_invalidate = [this](std::span<const std::string> changed) {
    for (const std::string& key : changed)
      if (keys_.parse(key) && !echoes_.take(key)) outdated(key);
  };
  hooks.on_flush = [this] {
    cache_.clear();
    host_.all_changed();
  };
  hooks.on_lost = [this] {
    cache_.disable();
    echoes_.clear();
    host_.all_changed();
  };
  hooks.on_ready = [this, caches] {
    echoes_.clear();
    if (caches) cache_.enable();
    host_.all_changed();
  };
  MDP_CHECK(client_.start(std::move(hooks)));
  server.scheduler().spawn(process_,
                           [this, &server] { carry_out_releases(server.scheduler()); });
  if (facts_.dir_stats)
    server.scheduler().spawn(process_, [this, &server] { flush_statistics(server.scheduler()); });
}

void PlainClient::outdated(const std::string& key) {
  cache_.invalidate(key);
  tell_kernel(host_, key);
}

std::unique_ptr<engine::DirReader> PlainClient::opendir(model::Ino dir) {
  return std::make_unique<engine::ScanReader>(client_, keys_, cache_, Log(), dir, kListingMax);
}

void PlainClient::release_lock(model::Ino ino, uint64_t, const engine::WriteRule& rule) {
  const auto done = executor_.release(rule);
  if (!done && engine::LockReleases::may_work_later(done.error())) releases_.add(ino, rule);
}

bool PlainClient::decided() const { return scheduler_.now() > link_.late_until; }

}  // namespace fastmeta::sim
