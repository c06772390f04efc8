// SPDX-License-Identifier: GPL-3.0-or-later
// The writing side of one file: gathers writes into slices, uploads their
// blocks, commits them. See doc/data.md for the order rules and locks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "data/chunk_queue.h"
#include "data/core.h"
#include "data/write_errors.h"

namespace fastmeta::host {

class FileWriter {
 public:
  FileWriter(std::shared_ptr<Core> core, uint64_t ino);
  // The object that this is a part of: jobs in the background keep it alive. To
  // be called once, before any write.
  void owned_by(std::weak_ptr<void> owner) { owner_ = std::move(owner); }

  uint64_t ino() const { return ino_; }

  // As FileData says.
  Heard heard() const;
  int write(const mdp_caller& who, Heard* handle, uint64_t off, const char* data, size_t size);
  int flush(const mdp_caller& who, Heard* handle);
  int fsync(const mdp_caller& who, Heard* handle);
  // False when the caller has given up; all goes on in the background.
  bool drain(const mdp_caller& who, std::optional<uint32_t> chunk = {});
  // What a handle that has heard so much would hear now.
  int error_since(const Heard& heard) const;

  enum class Served { kNone, kCopied };
  // Bytes of one chunk: kCopied from the buffer if all of them are there; else
  // what overlaps is committed first, and the caller reads what was committed.
  Served serve(uint32_t chunk, uint32_t pos, uint32_t n, char* out);

  // Where uncommitted data ends, 0 when there is none.
  uint64_t pending_end() const;
  void overlay(mdp_attr* attr) const;
  bool dirty() const;
  // The length is no longer what the last commit said.
  void forget_commit();
  // The same, unless `attr` was read before the last commit.
  void opened(const mdp_attr& attr);

  // Begins to upload slices that were begun before `when`, in the background.
  void finish_older(OpenSlice::Clock::time_point when);
  // Memory in slices that are not finished, and the begin of the oldest.
  uint64_t idle_bytes(OpenSlice::Clock::time_point* oldest) const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using SlicePtr = ChunkQueue::SlicePtr;
  struct Job {
    SlicePtr slice;
    UploadBlock part;
  };
  using Jobs = std::vector<Job>;
  // What the last commit answered: a getattr that was on its way meanwhile may
  // bring an older attribute.
  struct Committed {
    mdp_attr attr;
    OpenSlice::Clock::time_point until;
  };

  std::shared_ptr<FileWriter> self() { return {owner_.lock(), this}; }
  int put(Lock& lock, uint32_t chunk, uint32_t pos, const char* data, uint32_t n,
          const OpenSlice::Origin& origin, Jobs* jobs);
  int begin_slice(Lock& lock, uint32_t chunk, uint32_t pos, Jobs* jobs, SlicePtr* out);
  void finish(const SlicePtr& slice, Jobs* jobs);
  // Uploads in the background, or, when the caller waits anyway, one here.
  void submit(Jobs jobs, bool caller_waits);
  void upload(const Job& job);
  void announce(uint32_t chunk);
  void commit_announced(Lock& lock);
  int commit(const OpenSlice& slice, mdp_attr* attr);
  int send(const mdp_caller& writer, const mdp_slice_write& record, mdp_attr* attr);
  void settle(const OpenSlice& slice, int rc, const mdp_attr& attr);
  void report_lost(const OpenSlice& slice, int rc);
  bool committed_before(uint64_t seq, std::optional<uint32_t> chunk) const;

  const std::shared_ptr<Core> core_;
  const uint64_t ino_;
  std::weak_ptr<void> owner_;

  mutable std::mutex mutex_;  // guards all below and the slices themselves
  std::condition_variable changed_;
  std::map<uint32_t, ChunkQueue> chunks_;  // only those with slices
  std::deque<uint32_t> announced_;         // chunks whose first slice is settled
  bool committing_ = false;                // one thread at a time calls write_slice
  uint64_t next_seq_ = 1;
  size_t uncommitted_ = 0;
  std::vector<uint64_t> spare_ids_;  // drawn, not used yet
  timespec last_write_{};
  std::optional<Committed> committed_;
  WriteErrors errors_;
};

}  // namespace fastmeta::host
