// SPDX-License-Identifier: GPL-3.0-or-later
// A volume: its life, and every operation on it as rules run by an executor.
// The operations' meaning and errors are those of the contract.
//
// Threads: open, start, stop one at a time; operations any, in between.
// Locks: none of its own is held across a call to the server. See doc/locks.md.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "config/plugin_config.h"
#include "engine/dir_reader.h"
#include "engine/dir_stats.h"
#include "engine/executor.h"
#include "engine/fastmeta/fast_meta.h"
#include "engine/facts.h"
#include "engine/file_deleter.h"
#include "engine/health.h"
#include "engine/host.h"
#include "engine/id_range.h"
#include "engine/lock_releases.h"
#include "engine/numbered_host.h"
#include "engine/open_table.h"
#include "engine/passthrough/passthrough.h"
#include "engine/passthrough/value_cache.h"
#include "engine/session.h"
#include "engine/session_keeper.h"
#include "engine/trash_hour.h"
#include "model/rules/attrs.h"
#include "model/rules/data.h"
#include "model/rules/locks.h"
#include "model/rules/names.h"
#include "redis/client.h"

namespace fastmeta::engine {

// An answer and how long it may be remembered; 0 while nothing would tell of a change.
struct EntryReply {
  model::Ino ino = 0;  // 0: there is no such name
  model::Attr attr;
  std::chrono::milliseconds entry_valid{0};
  std::chrono::milliseconds attr_valid{0};
};

struct Interrupt {
  std::function<bool()> asked;  // may be empty
  bool operator()() const { return asked && asked(); }
};

// A proposal to merge a chunk's records, as the contract passes it around.
struct CompactionProposal {
  model::CompactionPlan plan;
  uint64_t checksum = 0;
};

class Volume final : private Effects {
 public:
  struct Options {
    bool read_only = false;
    std::string mount_point;
  };

  // Connects and checks that the volume is one we can serve; starts no thread.
  static Result<std::unique_ptr<Volume>> open(config::PluginConfig config, Options options,
                                              Host& host, Log log);
  ~Volume() override;

  Result<void> start();
  // Waits up to `wait` until what is acknowledged is sent; answers how many changes are
  // left for the next start.
  uint64_t stop(std::chrono::milliseconds wait);

  std::string setting_json() const;
  const config::PluginConfig& config() const { return config_; }

  // Names.
  model::SpaceReply statfs() const;
  Result<EntryReply> lookup(model::Ino parent, std::string name);
  struct NewNode {
    model::Caller who;
    model::Ino parent = 0;
    std::string name;
    model::FileType type = model::FileType::kFile;
    uint16_t mode = 0;
    uint32_t rdev = 0;
    std::string target;
  };
  Result<EntryReply> make(const NewNode& node);
  Result<EntryReply> link(model::Caller who, model::Ino ino, model::Ino parent, std::string name);
  Result<void> unlink(model::Caller who, model::Ino parent, std::string name);
  Result<void> rmdir(model::Caller who, model::Ino parent, std::string name);
  Result<void> rename(model::Caller who, model::Ino parent, std::string name,
                      model::Ino new_parent, std::string new_name, uint32_t flags);
  Result<std::string> readlink(model::Ino ino);
  Result<std::unique_ptr<DirReader>> opendir(model::Ino ino);

  // Attributes.
  Result<EntryReply> getattr(model::Ino ino);
  Result<EntryReply> setattr(model::SetattrArgs want);  // its `now` is set here
  Result<void> setxattr(model::SetXattrArgs want, model::Caller who = {});
  Result<std::string> getxattr(model::Ino ino, const std::string& name);
  Result<std::vector<std::string>> listxattr(model::Ino ino);
  Result<void> removexattr(model::Ino ino, const std::string& name, model::Caller who = {});

  // Files.
  struct Opened {
    EntryReply entry;
    bool created = false;
  };
  // how: also open it (its ino does not count); absent: EEXIST when there is one.
  Result<Opened> create(const NewNode& node, bool exclusive,
                        const std::optional<model::OpenArgs>& how);
  Result<model::Attr> open_file(const model::OpenArgs& how);
  void close_file(model::Ino ino);
  Result<uint64_t> new_slice();
  // staged: its data is not yet where others read it; only fast-meta takes that.
  Result<model::Attr> write_slice(model::WriteSliceArgs want, model::Caller who = {},
                                  bool staged = false);
  void slice_durable(model::Ino ino, uint64_t slice);
  Result<model::ReadSlicesReply> read_slices(model::Ino ino, uint32_t chunk, bool fresh);
  Result<model::Attr> truncate(model::TruncateArgs want);
  Result<model::Attr> fallocate(model::FallocateArgs want);
  Result<model::CopyRangeReply> copy_file_range(model::CopyRangeArgs want);
  Result<CompactionProposal> plan_compaction(model::Ino ino, uint32_t chunk);
  // `records` of the proposal tells what was looked at.
  Result<void> compact(model::Ino ino, uint32_t chunk, const CompactionProposal& proposal,
                       uint64_t id);

  enum class Sync : uint8_t {
    kConfigured,
    kLocal,   // survives a power loss of this machine
    kRemote,  // others see it
    kReport,  // nothing is forced
  };
  // ino 0: everything. EIO once after a change of the inode was sacrificed to a conflict.
  Result<void> fsync(model::Ino ino, Sync level);

  // Locks. wait: until granted or interrupted.
  Result<void> flock(model::Caller who, model::Ino ino, uint64_t owner, model::LockType type,
                     bool wait, const Interrupt& interrupt);
  Result<void> setlk(model::Caller who, model::Ino ino, uint64_t owner,
                     const model::LockRange& range, bool wait, const Interrupt& interrupt);
  Result<model::LockRange> getlk(model::Ino ino, uint64_t owner, const model::LockRange& range);

  Health::Seen health() const { return health_.seen(); }
  // Acknowledged changes that others do not see yet.
  uint64_t backlog() const { return fast() ? fast_->backlog().seen().records : 0; }
  std::string stats_json() const;
  // Admin verbs; request and answer are JSON. ENOTSUP: unknown verb.
  Result<std::string> control(std::string_view verb, std::string_view request);

  bool remembers() const { return tracking_.load(std::memory_order_acquire); }
  std::chrono::milliseconds entry_valid(bool found = true) const;
  std::chrono::milliseconds attr_valid() const;

 private:
  Volume(config::PluginConfig config, Options options, Host& host, Log log);

  void committed(const model::Mutations& done,
                 const std::vector<model::SliceRelease>& unreferenced) override;

  void add_passthrough_stats(nlohmann::json& out) const;
  void add_fast_meta_stats(nlohmann::json& out) const;
  Result<void> connect();
  Result<void> start_fast_meta();
  bool fast() const { return fast_ != nullptr; }
  model::VolumeFacts facts() const;
  Result<void> load_setting();
  Result<void> reload();  // setting and counters, live
  redis::ClientHooks hooks();
  void invalidated(std::span<const std::string> keys);
  // What is remembered of it, here and by the kernel, is old.
  void changed(const std::string& key, const model::KeySpace::Parsed& parsed);

  // Background work, on two threads: what must come on time, and what may take long.
  // Once nothing is left of before the connection with this epoch (mode fast-meta).
  void become_writable(uint64_t epoch);
  void pulse();
  void flush_loop();
  // Why these are not the settings of our volume; empty: they are.
  std::string stranger(const model::Setting& setting) const;
  Result<void> beat();
  bool stopping();
  void after_reconnect();
  Result<void> raise_counter(std::string_view name, uint64_t at_least);

  Result<uint64_t> draw(std::string_view counter, uint64_t count);
  Result<model::Ino> trash_for(model::Ino parent);
  Result<model::Ino> current_trash();
  struct Name {
    model::Ino parent;
    const std::string& name;
  };
  // Names that clients use as locks, and those of the trash, whose hours only the server knows:
  // carried out in the server, after what is pending.
  Result<model::OperationReply> apply(const model::Operation& operation,
                                      const WriteHints& hints,
                                      std::initializer_list<Name> names);
  Result<void> remove_sustained(model::Ino ino);
  // rule(seen, ino) for the number that the file has by now.
  template <typename Reply, typename Rule>
  Result<Reply> read_file(model::Ino ino, Rule&& rule, bool fresh = false) {
    for (;;) {
      const model::Ino number = open_.number(ino);
      auto reply = executor_->read_reply<Reply>(
          [&](const model::View& seen) { return rule(seen, number); }, fresh);
      if (reply || open_.number(ino) == number) return reply;
    }
  }
  Result<void> lose_name(model::Caller who, model::Ino parent, std::string name, bool directory);
  void trashed(model::Fate fate, model::Ino hour);
  void settle_fate(model::Ino ino, model::Fate fate, const model::Attr& attr);
  EntryReply entry(model::Ino ino, model::Attr attr) const;
  void hint_name(WriteHints& hints, model::Ino parent, const std::string& name);
  void hint_ancestors(WriteHints& hints, model::Ino dir);
  model::ReadKey attr_read(model::Ino ino) const;
  struct LockOf {
    model::Ino ino = 0;
    std::string key;  // "lockf5"
    uint64_t owner = 0;
    uint32_t pid = 0;
    bool release = false;
    HeldLocks::Span span = {};
  };
  LockReleases& lock_releases() const { return fast() ? fast_->lock_releases() : *late_releases_; }
  Result<void> release_lock(const LockOf& lock, const WriteRule& rule);
  Result<model::Ino> lockable(model::Ino ino, const Interrupt& interrupt);
  Result<void> lock_with(const LockOf& lock, const WriteRule& rule, bool wait,
                         const Interrupt& interrupt);

  const config::PluginConfig config_;
  const Options options_;
  const Log log_;
  const Clock clock_;

  std::unique_ptr<redis::Client> client_;
  model::KeySpace keys_;
  mutable std::mutex setting_mutex_;
  model::Setting setting_;
  Facts facts_;
  Health health_;
  OpenTable open_;
  NumberedHost host_;
  std::unique_ptr<ValueCache> cache_;  // passthrough only
  OwnEchoes echoes_;
  std::unique_ptr<FastMeta> fast_;     // fast-meta only
  std::unique_ptr<Passthrough> server_;
  Executor* executor_ = nullptr;       // of operations: server_ or fast_'s
  std::unique_ptr<Session> session_;
  std::unique_ptr<SessionKeeper> session_keeper_;
  std::unique_ptr<TrashHour> trash_hour_;
  std::unique_ptr<DirStats> dir_stats_;
  std::unique_ptr<FileDeleter> deleter_;
  // passthrough: releases of locks that could not be carried out at once.
  std::unique_ptr<LockReleases> late_releases_;
  std::unique_ptr<IdRange> inodes_, slices_;
  std::atomic<bool> tracking_{false};

  std::mutex late_mutex_;
  std::vector<model::Ino> late_removals_;  // sustained inodes whose removal failed

  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool refill_wanted_ = false;
  bool reconnected_ = false;
  // The connection of which the worker says: nothing is left of an earlier life or connection.
  std::optional<uint64_t> caught_up_;
  std::condition_variable writable_;
  std::thread pulse_thread_, flush_thread_;
};

// Creates a volume from settings (see model::new_setting). EEXIST when there is
// one, unless force: then the metadata that is there is removed first.
Result<void> format_volume(const config::PluginConfig& config, const std::string& settings,
                           bool force, const Log& log);

// The connection that a configuration names; shared by open and format.
Result<std::unique_ptr<redis::Client>> connect_client(const config::PluginConfig& config,
                                                      const Log& log);

}  // namespace fastmeta::engine
