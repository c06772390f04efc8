// SPDX-License-Identifier: GPL-3.0-or-later
// A mounted volume as its users see it: operations by an executor, open files, and the
// numbers that it has leased.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/open_table.h"
#include "sim/network.h"
#include "sim/scheduler.h"
#include "support/quiet_host.h"

namespace fastmeta::sim {

// Where a host would keep data: which slices others cannot read yet.
class SimHost final : public test::QuietHost {
 public:
  int slice_is_durable(uint64_t id, uint32_t) override { return staged.contains(id) ? 0 : 1; }

  std::set<uint64_t> staged;
};

class SimClock final : public Clock {
 public:
  explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  Timestamp now() const override {
    return Timestamp::from_nanos(int64_t{1'800'000'000} * kSecond + scheduler_.now());
  }
  Timestamp even() const override { return now(); }

 private:
  const Scheduler& scheduler_;
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
  virtual redis::Client& redis() = 0;
  // Nothing that was acknowledged waits to be sent.
  virtual bool settled() const = 0;
  virtual SimHost& host() = 0;
  virtual void slice_durable(model::Ino ino, uint64_t slice) = 0;
  // Of a file: what is acknowledged from now on follows its data.
  virtual void barrier(model::Ino) {}

  Result<model::OperationReply> apply(const model::Operation& operation, bool staged = false);
  void close(model::Ino ino, Scheduler& scheduler);
  Result<uint64_t> new_inode() { return draw("nextinode", inodes_); }
  Result<uint64_t> new_slice() { return draw("nextchunk", slices_); }
  // A start leaves what an earlier life had leased.
  void forget_leases() { inodes_.next = inodes_.end = slices_.next = slices_.end = 0; }
  // After each connect: a server that went back must not hand out our numbers again.
  void raise_counters();

 private:
  struct Leased {
    uint64_t next = 0, end = 0, highest = 0;
  };
  Result<uint64_t> draw(const char* counter, Leased& leased);
  Leased inodes_, slices_;
};

inline model::KeySpace sim_keys() { return model::KeySpace(); }

}  // namespace fastmeta::sim
