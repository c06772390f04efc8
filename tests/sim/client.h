// SPDX-License-Identifier: GPL-3.0-or-later
// A mounted volume as its users see it: operations by an executor, open files, and the
// numbers that it has leased.
#pragma once

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/dir_reader.h"
#include "engine/dir_stats.h"
#include "engine/executor.h"
#include "engine/fastmeta/row.h"
#include "engine/lock_releases.h"
#include "engine/open_table.h"
#include "engine/trash_hour.h"
#include "sim/clock.h"
#include "sim/kernel.h"
#include "sim/network.h"
#include "sim/scheduler.h"
#include "support/quiet_host.h"

namespace fastmeta::sim {

// Of sessions, in simulated time; the entry is good for longer.
inline constexpr std::chrono::seconds kHeartbeat{12};

// Where a host would keep data: which slices others cannot read yet. And what the kernel
// remembers above it.
class SimHost final : public test::QuietHost {
 public:
  void attr_changed(model::Ino ino) override { kernel.inode_changed(ino); }
  void names_changed(model::Ino parent) override { kernel.names_changed(parent); }
  void all_changed() override { kernel.all_changed(); }
  int slice_is_durable(uint64_t id, uint32_t) override {
    return lost.contains(id) ? -EIO : staged.contains(id) ? 0 : 1;
  }
  int delete_slice(uint64_t id, uint32_t) override {
    if (on_delete) on_delete(id);
    return 0;
  }
  std::function<void(uint64_t)> on_delete;

  std::set<uint64_t> staged, lost;
  Kernel kernel;
};

// What follows a commit, as the volume does it.
class SimEffects final : public engine::Effects {
 public:
  SimEffects(engine::Host& host, engine::DirStats& statistics)
      : host_(host), statistics_(statistics) {}
  void committed(const model::Mutations& done,
                 const std::vector<model::SliceRelease>& unreferenced) override {
    statistics_.add(done.dir_stats);
    for (const model::SliceRelease& slice : unreferenced) host_.delete_slice(slice.id, slice.size);
  }

 private:
  engine::Host& host_;
  engine::DirStats& statistics_;
};

// A change of ours over a row of the local store.
struct OwnChange {
  bool pending = false;
  uint64_t number = 0;  // of the last change to what is pending over it, of all that the mount made
  uint64_t earlier = 0;  // of the one before
  std::string ended;     // when none is pending: the row as it was while there was
  Moment settled = 0;   // when none is pending: the server has had it since
};

class SimMount {
 public:
  virtual ~SimMount() = default;

  virtual const std::string& name() const = 0;
  virtual const ProcessPtr& process() const = 0;
  virtual bool ready() const = 0;  // operations may be asked for
  // What operations without an answer have done is done by now.
  virtual bool decided() const { return true; }
  virtual engine::Executor& executor() = 0;
  virtual engine::OpenTable& open() = 0;
  virtual SimClient& redis() = 0;
  // Whether a kernel may remember what is answered now.
  virtual bool remembers() = 0;
  virtual std::unique_ptr<engine::DirReader> opendir(model::Ino dir) = 0;
  // By the keys of rows.
  virtual OwnChange own(const std::string&) const { return {}; }
  virtual uint64_t own_changes() const { return 0; }
  // Rows with pending changes.
  virtual const std::set<std::string>& pending() const;
  virtual engine::Row row(const std::string&) { return {}; }
  // How often its local store has refused with this code.
  virtual uint64_t refusals(int) const { return 0; }
  virtual engine::DirStats& statistics() = 0;
  // Nothing that was acknowledged waits to be sent.
  virtual bool settled() const = 0;
  virtual SimHost& host() = 0;

  // -- locks
  static constexpr uint32_t kLocker = 77;  // the process that takes them
  virtual uint64_t session() const = 0;
  virtual bool has_trash() const = 0;
  // Changes in the server, at once.
  virtual engine::Executor& server() = 0;
  virtual engine::TrashHour& trash_hour() = 0;
  // A folder of the trash in which things are put until they are in the server.
  virtual model::Ino trash_until_sent() const { return 0; }
  virtual void lock_granted(model::Ino, uint64_t) {}
  // Others may have it from some time on; it is let go of here at once.
  virtual void release_lock(model::Ino ino, uint64_t owner, const engine::WriteRule& rule) = 0;
  virtual engine::LockReleases& lock_releases() = 0;

  virtual void slice_durable(model::Ino ino, uint64_t slice) = 0;
  // Of a file: what is acknowledged from now on follows its data.
  virtual void barrier(model::Ino) {}

  // As the volume does, what belongs to it around the executor included.
  Result<model::OperationReply> apply(model::Operation operation, bool staged = false);
  void close(model::Ino ino, Scheduler& scheduler);
  Result<uint64_t> new_inode() { return draw("nextinode", inodes_); }
  Result<uint64_t> new_hour();
  Result<uint64_t> new_slice() { return draw("nextchunk", slices_); }
  // A start leaves what an earlier life had leased.
  void forget_leases() { inodes_.next = inodes_.end = slices_.next = slices_.end = 0; }
  // Without a name and a handle.
  Result<void> remove_sustained(model::Ino ino);
  // On fibers of its process, for ever.
  void flush_statistics(Scheduler& scheduler);
  // Whether some are missing, because nobody knew what had come of a change, or of them.
  bool lost_statistics() const { return lost_statistics_; }
  void carry_out_releases(Scheduler& scheduler);
  // After each connect: a server that went back must not hand out our numbers again.
  void raise_counters();

 private:
  struct Leased {
    uint64_t next = 0, end = 0, highest = 0;
  };
  Result<uint64_t> draw(const char* counter, Leased& leased);
  virtual Result<model::OperationReply> carry_out(const model::Operation& operation,
                                                  const engine::WriteHints& hints);
  Result<void> find_trash(model::Operation& operation);
  Leased inodes_, slices_;
  bool lost_statistics_ = false;
};

// A key was changed by others.
void tell_kernel(engine::Host& host, const std::string& key);

inline model::KeySpace sim_keys() { return model::KeySpace(); }

}  // namespace fastmeta::sim
