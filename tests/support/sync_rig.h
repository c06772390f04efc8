// SPDX-License-Identifier: GPL-3.0-or-later
// The local executor and the reintegration over a local store and a real server,
// without threads of their own: a test says when the worker takes a step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/fastmeta/local_executor.h"
#include "engine/fastmeta/reintegration.h"
#include "engine/redis_commands.h"
#include "engine/volume.h"
#include "store/tables.h"
#include "support/no_server.h"

namespace fastmeta::test {

class CountingEffects final : public engine::Effects {
 public:
  void committed(const model::Mutations& done,
                 const std::vector<model::SliceRelease>& slices) override {
    used_inodes += done.used_inodes;
    unreferenced.insert(unreferenced.end(), slices.begin(), slices.end());
  }
  int64_t used_inodes = 0;
  std::vector<model::SliceRelease> unreferenced;
};

class SyncRig {
 public:
  // tables: those of an earlier rig, as after a start. The volume must be formatted.
  SyncRig(const config::PluginConfig& config, engine::Host& host, store::Tables& tables,
          engine::Identity identity = {"c1", 7, 1}, Log log = Log())
      : config_(config),
        client(open(config_, log)),
        keys_(client->key_prefix()),
        validity(identity.starts << 24),
        backlog(config_.backlog),
        parts{*client, tables,       keys_,    config_, validity, stripes_,
              backlog, open_inodes_, host,     clock_,  std::move(log)},
        mirror(parts),
        executor(parts, mirror, server_, locks, sacrifices,
                 {[this] { return facts; }, [](bool) { return Result<void>(); }}) {
    facts.session = 1;
    engine::Reintegration::Volume volume;
    volume.stranger = [](const std::optional<std::string>&) { return std::string(); };
    volume.facts = [this] {
      if (before_send) before_send();
      return facts;
    };
    volume.trash_now = [this] { return Result<model::Ino>(trash); };
    volume.ensure_statistics = [](model::Ino) { return Result<bool>(false); };
    volume.refuse_writes = [this](std::string why) { refused = std::move(why); };
    volume.recovered = [this](uint64_t) {
      if (!recovered) executor.first_seq(sync->highest_seq() + 1);
      recovered = true;
    };
    redis::ClientHooks hooks;
    hooks.on_invalidate = [this](std::span<const std::string> keys) {
      for (const std::string& key : keys) validity.invalidated(key);
    };
    hooks.on_flush = [this] { validity.raise_epoch(); };
    hooks.on_ready = [this] { validity.raise_epoch(); };
    MDP_CHECK(client->start(std::move(hooks)));
    sync = std::make_unique<engine::Reintegration>(parts, effects, sacrifices, std::move(volume),
                                                   std::move(identity));
    MDP_CHECK(sync->load());
    for (int i = 0; i < 100 && !recovered && refused.empty(); ++i) static_cast<void>(step());
  }
  ~SyncRig() { client->stop(); }

  // One cycle; errors of the connection are waited out.
  bool step() {
    auto worked = sync->cycle();
    if (worked) return *worked;
    last_error = worked.error().text;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return true;
  }
  // Until nothing is pending; false: it does not get there.
  bool drain(int steps_max = 1000) {
    for (int i = 0; i < steps_max; ++i) {
      const bool worked = step();
      if (!backlog.oldest()) return true;
      if (!worked && !refused.empty()) return false;
      if (!worked) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  // 0, or the errno.
  int create(model::Ino parent, const std::string& name, model::Ino ino,
             model::FileType type = model::FileType::kFile) {
    model::CreateArgs want;
    want.parent = parent;
    want.name = name;
    want.ino = ino;
    want.type = type;
    want.mode = 0755;
    want.now = clock_.now();
    return apply(want);
  }
  int unlink(model::Ino parent, const std::string& name) {
    return apply(model::Unlink{{{}, clock_.now(), parent, name}});
  }
  int rename(model::Ino parent, const std::string& name, model::Ino new_parent,
             const std::string& new_name) {
    return apply(model::RenameArgs{{}, clock_.now(), parent, name, new_parent, new_name});
  }
  int apply(const model::Operation& operation, const engine::WriteHints& hints = {}) {
    auto done = executor.apply(operation, hints);
    return done ? 0 : done.error().code;
  }
  // The inode of a name as the local view has it; 0: there is none.
  model::Ino find(model::Ino parent, const std::string& name) {
    auto found = executor.read_reply<model::Found>([&](const model::View& seen) {
      return model::lookup(seen, {parent, name});
    });
    return found ? found->ino : 0;
  }
  size_t rows(store::Table table) {
    auto transaction = parts.tables.begin();
    MDP_CHECK(transaction);
    size_t count = 0;
    MDP_CHECK((*transaction)->scan(table, {}, [&](std::string_view, std::string_view) {
      ++count;
      return true;
    }));
    return count;
  }
  engine::OpenTable& open_inodes() { return open_inodes_; }
  std::string client_key() const { return "fastmeta:client:c1"; }

  model::VolumeFacts facts;
  std::function<void()> before_send;  // after a batch was read, before it is sent
  model::Ino trash = 0;  // the hour that takes what is sent
  std::string refused, last_error;
  bool recovered = false;

 private:
  static std::unique_ptr<redis::Client> open(const config::PluginConfig& config, const Log& log) {
    auto client = engine::connect_client(config, log);
    MDP_CHECK(client);
    return std::move(*client);
  }

  const config::PluginConfig config_;

 public:
  std::unique_ptr<redis::Client> client;

 private:
  model::KeySpace keys_;
  Clock clock_;
  engine::Stripes stripes_;
  engine::OpenTable open_inodes_;
  NoServer server_;

 public:
  engine::Validity validity;
  engine::Backlog backlog;
  engine::Parts parts;
  engine::HeldLocks locks;
  engine::Sacrifices sacrifices;
  CountingEffects effects;
  engine::Mirror mirror;
  engine::LocalExecutor executor;
  std::unique_ptr<engine::Reintegration> sync;
};

}  // namespace fastmeta::test
