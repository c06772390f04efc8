// SPDX-License-Identifier: GPL-3.0-or-later
// A rig of the reintegration over a private server and local tables that outlive it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/fastmeta/journal_entry.h"
#include "memory_tables/memory_tables.h"
#include "model/schema/codec.h"
#include "support/sync_rig.h"
#include "unit/engine/volume_fixture.h"

namespace fastmeta::test {

inline constexpr model::Ino kRoot = model::kRootIno;

// Says what the test wants it to of a slice's data.
class SlowDisk final : public RecordingHost {
 public:
  int slice_is_durable(uint64_t slice, uint32_t) override {
    {
      std::lock_guard lock(mutex_);
      asked_.insert(slice);
    }
    return slice == lost ? -EIO : answer.load();
  }
  std::atomic<int> answer{0};
  std::atomic<uint64_t> lost{0};
  std::set<uint64_t> asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::set<uint64_t> asked_;
};

class Sync : public VolumeTest {
 protected:
  config::PluginConfig config(const std::string& url) const {
    return config_for(url, {"mode=fast-meta", "cache.dir=/nowhere", "meta.deadline=2s"});
  }
  SyncRig& rig() {
    if (!rig_)
      rig_ = std::make_unique<SyncRig>(config(server.url()), host, tables,
                                       engine::Identity{"c1", 7, ++starts_});
    return *rig_;
  }
  SyncRig& restarted() {
    rig_.reset();
    return rig();
  }
  // What another client does: a file of its own under this name.
  void other_creates(const std::string& dir, const std::string& name,
                     const model::Attr& node = {}) {
    redis::Command attr{"SET", "i9000", model::encode_attr(node)};
    redis::Command entry{"HSET", "d" + dir, name, model::encode_dentry({node.type, 9000})};
    on_server({attr, entry});
  }
  // Past the rules, by another connection.
  void on_server(const std::vector<redis::Command>& commands) {
    const Deadline deadline = deadline_in(std::chrono::seconds(5));
    auto lease = rig().client->lease(deadline);
    ASSERT_TRUE(lease);
    ASSERT_TRUE(lease->roundtrip(commands, deadline));
  }
  // Files f0, f1, … with the inodes from 10,000 on, which we do not know of.
  void fill_on_server(model::Ino dir, size_t count) {
    model::Attr attr;
    attr.nlink = 1;
    attr.parent = dir;
    std::vector<redis::Command> commands;
    for (size_t i = 0; i < count; ++i) {
      const model::Ino ino = 10'000 + i;
      commands.push_back({"HSET", "d" + std::to_string(dir), "f" + std::to_string(i),
                          model::encode_dentry({model::FileType::kFile, ino})});
      commands.push_back({"SET", "i" + std::to_string(ino), model::encode_attr(attr)});
    }
    on_server(commands);
  }
  // The server comes back without what happens in `work`.
  void forgotten(const std::function<void()>& work) {
    server.ask("SAVE");
    work();
    server.kill();
    server.start();
  }
  std::vector<engine::JournalEntry> journal() {
    std::vector<engine::JournalEntry> entries;
    auto transaction = tables.begin();
    EXPECT_TRUE((*transaction)->scan(store::Table::kJournal, {}, [&](std::string_view, auto bytes) {
      auto entry = engine::decode_entry(bytes);
      EXPECT_TRUE(entry);
      if (entry) entries.push_back(std::move(*entry));
      return true;
    }));
    return entries;
  }

  int write(model::Ino ino, uint64_t slice, bool staged) {
    model::WriteSliceArgs want;
    want.now = want.mtime = Clock().now();
    want.ino = ino;
    want.slice = {0, slice, 100, 0, 100};
    engine::WriteHints hints;
    hints.staged = staged;
    return rig().apply(want, hints);
  }

  SlowDisk host;
  MemoryTables tables;
  std::unique_ptr<SyncRig> rig_;

 private:
  uint64_t starts_ = 0;
};

}  // namespace fastmeta::test
