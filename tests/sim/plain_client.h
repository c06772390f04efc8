// SPDX-License-Identifier: GPL-3.0-or-later
// A mount whose changes are in the server when they are acknowledged: mode passthrough, or
// without a cache, as the standard client runs the rules.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/passthrough/passthrough.h"
#include "engine/passthrough/value_cache.h"
#include "sim/client.h"

namespace fastmeta::sim {

class PlainClient final : public SimMount {
 public:
  PlainClient(SimServer& server, LinkState& link, std::string name, uint64_t session, bool caches);

  const std::string& name() const override { return name_; }
  const ProcessPtr& process() const override { return process_; }
  bool ready() const override { return client_.connected(); }
  bool decided() const override;
  engine::Executor& executor() override { return executor_; }
  engine::OpenTable& open() override { return open_; }
  SimClient& redis() override { return client_; }
  bool remembers() override { return caches_ && client_.tracks(); }
  std::unique_ptr<engine::DirReader> opendir(model::Ino dir) override;
  bool settled() const override {
    return ready() && statistics_.pending() == 0 && releases_.waiting() == 0;
  }
  engine::DirStats& statistics() override { return statistics_; }
  SimHost& host() override { return host_; }
  uint64_t session() const override { return facts_.session; }
  bool has_trash() const override { return facts_.trash; }
  engine::Executor& server() override { return executor_; }
  engine::TrashHour& trash_hour() override { return trash_hour_; }
  void release_lock(model::Ino ino, uint64_t owner, const engine::WriteRule& rule) override;
  engine::LockReleases& lock_releases() override { return releases_; }
  void slice_durable(model::Ino, uint64_t) override {}

 private:
  // What is remembered of it, here and by the kernel, is old.
  void outdated(const std::string& key);

  const std::string name_;
  const bool caches_;
  const ProcessPtr process_;
  const Scheduler& scheduler_;
  const LinkState& link_;
  SimClient client_;
  model::KeySpace keys_ = sim_keys();
  model::VolumeFacts facts_;
  engine::ValueCache cache_{64 << 20, std::chrono::hours(1)};
  engine::OwnEchoes echoes_;
  engine::OpenTable open_;
  SimHost host_;
  engine::DirStats statistics_{client_, keys_, Log()};
  SimEffects effects_{host_, statistics_};
  engine::Passthrough executor_;
  engine::LockReleases releases_{nullptr, executor_, Log()};
  const SimClock clock_{scheduler_};
  engine::TrashHour trash_hour_{client_, clock_, [this] { return new_hour(); }};
};

}  // namespace fastmeta::sim
