// SPDX-License-Identifier: GPL-3.0-or-later
// Mode fast-meta as a whole: the local store, the executor over it, the worker that
// sends what is pending, and the life of them. See doc/fast-meta.md.
//
// Threads: open, connect, start, stop one at a time; the rest any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/dir_reader.h"
#include "engine/fastmeta/evictor.h"
#include "engine/fastmeta/exclusive_names.h"
#include "engine/fastmeta/held_locks.h"
#include "engine/fastmeta/identity.h"
#include "engine/fastmeta/local_executor.h"
#include "engine/fastmeta/mirror.h"
#include "engine/fastmeta/parts.h"
#include "engine/fastmeta/refresher.h"
#include "engine/fastmeta/reintegration.h"
#include "engine/fastmeta/sacrifices.h"
#include "engine/fastmeta/slice_keeper.h"
#include "engine/fastmeta/pending_copies.h"
#include "engine/fastmeta/written_keys.h"
#include "engine/id_range.h"
#include "engine/lock_releases.h"
#include "store/store.h"

namespace fastmeta::engine {

class FastMeta {
 public:
  struct Surroundings {
    redis::Client& client;
    const model::KeySpace& keys;
    const config::PluginConfig& config;
    OpenTable& open;
    Host& host;
    const Clock& clock;
    Log log;
  };
  struct Volume {
    std::function<std::string(const std::optional<std::string>& setting)> stranger;
    std::function<model::VolumeFacts()> facts;
    std::function<Result<void>(bool content)> may_write;
    std::function<Result<model::Ino>()> trash_now;
    std::function<Result<bool>(model::Ino dir)> ensure_statistics;
    std::function<void(std::string)> refuse_writes;
    std::function<void(std::string)> store_failed;
    std::function<void(uint64_t epoch)> recovered;
  };

  // Opens (or makes) the volume's store under cache.dir and reads what it holds.
  static Result<std::unique_ptr<FastMeta>> open(const Surroundings& around,
                                                const std::string& uuid);
  ~FastMeta();

  // What the executor over the server reports its writes to.
  ReadCache& written_keys() { return written_keys_; }
  // Then executor() works, once the client is started.
  Result<void> connect(Executor& server, Effects& effects, Volume volume);
  // writes: also what sends changes.
  void start(bool writes);

  // Waits up to `wait` for an empty backlog, ends the threads, closes the store so that
  // the next start is a clean one. Answers how many changes are left for it.
  uint64_t stop(std::chrono::milliseconds wait, IdRange& inodes, IdRange& slices);

  Executor& executor() { return *executor_; }
  std::unique_ptr<DirReader> opendir(model::Ino dir);

  // From the hooks of the client.
  void invalidated(const std::string& key, const model::KeySpace::Parsed& parsed);
  void flushed() { validity_.raise_epoch(); }
  // While there is no connection rows answer as they were when it was lost: nobody knows
  // better. With the next one everything older has to be asked for again.
  void connection_ready();

  // Ids: what an earlier start left, and what is leased from now on.
  void restore(IdRange& inodes, IdRange& slices);
  Result<void> leased(std::string_view counter, uint64_t highest);

  // Until all that is acknowledged so far is sent.
  bool drained(Deadline deadline, const std::function<bool()>& gave_up = {});
  // Until the server has the inode, in case it was made here. False: not in time.
  Result<bool> made(model::Ino ino, Deadline deadline, const std::function<bool()>& gave_up);
  // Forces the local log to the disk.
  Result<void> sync_local() { return tables_->sync(); }
  // EIO once after a change of the inode was sacrificed.
  Result<void> report(model::Ino ino);

  // Is this a name of exclusive.remote?
  bool exclusive(model::Ino parent, const std::string& name);
  HeldLocks& held_locks() { return held_locks_; }
  LockReleases& lock_releases() { return *lock_releases_; }
  Reintegration& reintegration() { return *reintegration_; }
  Backlog& backlog() { return backlog_; }
  store::Store& store() { return *tables_; }
  Validity& validity() { return validity_; }
  Sacrifices& sacrifices() { return sacrifices_; }
  Mirror& mirror() { return mirror_; }
  PendingCopies& copies() { return copies_; }
  uint64_t evicted() const { return evictor_.evicted(); }

 private:
  FastMeta(const Surroundings& around, std::unique_ptr<store::Store> tables, Identity identity,
           Leases leases);

  const Surroundings around_;
  std::unique_ptr<store::Store> tables_;
  const Identity identity_;
  Validity validity_;
  Stripes stripes_;
  Backlog backlog_;
  Parts parts_;
  Mirror mirror_;
  PendingCopies copies_;
  WrittenKeys written_keys_;
  Sacrifices sacrifices_;
  HeldLocks held_locks_;
  const ExclusiveNames exclusive_;
  Refresher refresher_;
  Evictor evictor_;
  SliceKeeper keeper_;
  std::unique_ptr<LocalExecutor> executor_;
  std::unique_ptr<LockReleases> lock_releases_;
  std::unique_ptr<Reintegration> reintegration_;

  std::mutex leases_mutex_;
  Leases leases_;  // guarded by it
};

}  // namespace fastmeta::engine
