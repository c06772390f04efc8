// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/file_writer.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "data/outcome.h"

namespace fastmeta::host {
namespace {

constexpr uint64_t kFileEndMax = uint64_t{1} << 57;
// Longer than a getattr that began before a commit may take.
constexpr std::chrono::seconds kCommittedValid{2};
constexpr std::chrono::milliseconds kRefusedStep{100};
constexpr std::chrono::milliseconds kGiveUpStep{500};  // between two looks at who waits

bool older(const mdp_attr& a, const mdp_attr& b) {
  return a.ctime != b.ctime ? a.ctime < b.ctime : a.ctime_nsec < b.ctime_nsec;
}

// What a program is told of it.
int told(int error) {
  switch (error) {
    case -ENOENT:  // the file is gone, or was never one: the handle is no good
    case -EPERM:
    case -EINVAL:
      return -EBADF;
    default:
      return error;
  }
}

}  // namespace

FileWriter::FileWriter(std::shared_ptr<Core> core, uint64_t ino)
    : core_(std::move(core)), ino_(ino) {}

int FileWriter::write(const mdp_caller& who, Heard* handle, uint64_t off, const char* data,
                      size_t size) {
  if (off >= kFileEndMax || size >= kFileEndMax - off) return -EFBIG;
  if (core_->closed.load(std::memory_order_relaxed)) return -EIO;
  if (!core_->write_buffers.wait_below(core_->options.write_buffer_bytes,
                                       [&] { return is_interrupted(who); },
                                       [this] { core_->dirty.nudge(); })) {
    return -EINTR;
  }
  OpenSlice::Origin origin{{}, in_background(who)};
  ::clock_gettime(CLOCK_REALTIME, &origin.mtime);
  Jobs jobs;
  int rc = 0;
  {
    Lock lock(mutex_);
    if (handle != nullptr) rc = told(errors_.tell(handle));
    while (rc == 0 && size > 0) {
      const auto chunk = static_cast<uint32_t>(off / MDP_CHUNK_BYTES);
      const auto pos = static_cast<uint32_t>(off % MDP_CHUNK_BYTES);
      const auto n = static_cast<uint32_t>(std::min<uint64_t>(size, MDP_CHUNK_BYTES - pos));
      rc = put(lock, chunk, pos, data, n, origin, &jobs);
      off += n;
      data += n;
      size -= n;
    }
  }
  submit(std::move(jobs), false);
  return rc;
}

int FileWriter::put(Lock& lock, uint32_t chunk, uint32_t pos, const char* data, uint32_t n,
                    const OpenSlice::Origin& origin, Jobs* jobs) {
  SlicePtr slice;
  if (const auto it = chunks_.find(chunk); it != chunks_.end()) slice = it->second.target(pos, n);
  if (!slice) {
    if (const int rc = begin_slice(lock, chunk, pos, jobs, &slice); rc != 0) return rc;
  }
  const bool fitted = slice->put(pos, data, n, origin);
  last_write_ = origin.mtime;
  std::vector<UploadBlock> parts;
  slice->take_full(&parts);
  for (const UploadBlock& part : parts) jobs->push_back({slice, part});
  if (pos + n == MDP_CHUNK_BYTES) finish(slice, jobs);
  return fitted ? 0 : -ENOMEM;
}

// The id is drawn without the lock. Whatever others begin meanwhile is older
// than this slice, so it lies below it.
int FileWriter::begin_slice(Lock& lock, uint32_t chunk, uint32_t pos, Jobs* jobs,
                            SlicePtr* out) {
  if (spare_ids_.empty()) {
    lock.unlock();
    uint64_t id = 0;
    const int rc = core_->ops->new_slice(core_->volume, &id);
    lock.lock();
    if (rc != 0) return rc;
    spare_ids_.push_back(id);
  }
  ChunkQueue& queue = chunks_[chunk];
  if (const SlicePtr oldest = queue.surplus()) finish(oldest, jobs);
  *out = std::make_shared<OpenSlice>(&core_->write_buffers, core_->slices->block_bytes(),
                                     spare_ids_.back(), chunk, pos, next_seq_++);
  spare_ids_.pop_back();
  queue.push(*out);
  if (uncommitted_++ == 0) core_->dirty.add(ino_, self());
  return 0;
}

void FileWriter::finish(const SlicePtr& slice, Jobs* jobs) {
  std::vector<UploadBlock> parts;
  slice->finish(&parts);
  for (const UploadBlock& part : parts) jobs->push_back({slice, part});
  announce(slice->chunk());
}

void FileWriter::submit(Jobs jobs, bool caller_waits) {
  const size_t here = caller_waits && !jobs.empty() ? 1 : 0;
  for (size_t i = here; i < jobs.size(); ++i) {
    core_->uploads.submit([file = self(), job = std::move(jobs[i])] { file->upload(job); });
  }
  if (here != 0) upload(jobs.front());
}

void FileWriter::upload(const Job& job) {
  int rc = -ETIMEDOUT;
  if (!core_->abandoned.load(std::memory_order_relaxed)) {
    rc = core_->slices->put_block(job.slice->id(), job.part.block, job.part.data,
                                  job.part.bytes);
    if (rc == 0 && core_->options.sync) {
      core_->unsynced.add(ino_, {job.slice->id(), job.part.block, job.part.bytes});
    }
  }
  Lock lock(mutex_);
  job.slice->uploaded(job.part.block, rc);
  announce(job.slice->chunk());
  commit_announced(lock);
}

void FileWriter::announce(uint32_t chunk) {
  const auto it = chunks_.find(chunk);
  if (it == chunks_.end() || it->second.announced || it->second.empty()) return;
  if (!it->second.head()->settled()) return;
  it->second.announced = true;
  announced_.push_back(chunk);
}

// Commits of one file are serial: they all change its attributes, so several at
// once would only make each other run again. The caller keeps *this alive.
void FileWriter::commit_announced(Lock& lock) {
  if (committing_) return;
  committing_ = true;
  while (!announced_.empty()) {
    const uint32_t chunk = announced_.front();
    announced_.pop_front();
    // The entry stays while we work on its head: only this loop removes slices.
    ChunkQueue& queue = chunks_.find(chunk)->second;
    while (!queue.empty() && queue.head()->settled()) {
      const SlicePtr slice = queue.head();
      lock.unlock();
      mdp_attr attr{};
      const int rc = commit(*slice, &attr);
      lock.lock();
      queue.pop();
      settle(*slice, rc, attr);
    }
    queue.announced = false;
    if (queue.empty()) chunks_.erase(chunk);
  }
  committing_ = false;
}

// Without the lock: a settled slice no longer changes.
int FileWriter::commit(const OpenSlice& slice, mdp_attr* attr) {
  if (slice.len() == 0) return 0;  // there was no memory for its first byte
  int rc = slice.error();
  if (rc == 0 && core_->abandoned.load(std::memory_order_relaxed)) rc = -ETIMEDOUT;
  const bool sent = rc == 0;
  if (sent) {
    mdp_slice_write record{};
    record.struct_size = sizeof record;
    record.chunk = slice.chunk();
    record.slice = {slice.id(), slice.pos(), slice.len(), 0, slice.len()};
    record.mtime = slice.mtime().tv_sec;
    record.mtime_nsec = static_cast<uint32_t>(slice.mtime().tv_nsec);
    rc = send(slice.writer(), record, attr);
  }
  if (rc == 0) {
    core_->compactor.committed(ino_, slice.chunk());
    return 0;
  }
  // After an unclear outcome the record may exist: its objects must stay.
  if (!sent || is_refusal(rc)) core_->slices->remove(slice.id(), slice.len());
  report_lost(slice, rc);
  return rc;
}

// EROFS: nothing was done, since the plugin does not reach its server. Data that
// was accepted outlives a short interruption.
int FileWriter::send(const mdp_caller& writer, const mdp_slice_write& record, mdp_attr* attr) {
  for (;;) {
    const int rc = core_->ops->write_slice(core_->volume, &writer, ino_, &record, attr);
    if (rc != -EROFS) {
      core_->refusals.over();
      return rc;
    }
    if (core_->abandoned.load(std::memory_order_relaxed) ||
        !core_->refusals.wait_again(core_->options.read_only_patience)) {
      return rc;
    }
    std::this_thread::sleep_for(kRefusedStep);
  }
}

void FileWriter::settle(const OpenSlice& slice, int rc, const mdp_attr& attr) {
  if (rc == 0 && slice.len() > 0) {
    committed_ = Committed{attr, OpenSlice::Clock::now() + kCommittedValid};
  } else if (rc != 0) {
    errors_.add(rc);
  }
  --uncommitted_;
  if (uncommitted_ == 0) core_->dirty.remove(ino_);
  changed_.notify_all();
}

void FileWriter::report_lost(const OpenSlice& slice, int rc) {
  const uint64_t start = slice.chunk() * MDP_CHUNK_BYTES + slice.pos();
  char text[256];
  std::snprintf(text, sizeof text,
                "inode %" PRIu64 ": bytes %" PRIu64 " to %" PRIu64
                " (slice %" PRIu64 ") were not stored: %s",
                ino_, start, start + slice.len(), slice.id(), std::strerror(-rc));
  core_->log(MDP_LOG_ERROR, text);
  int none = 0;
  core_->lost.compare_exchange_strong(none, rc);
}

int FileWriter::flush(const mdp_caller& who, Heard* handle) {
  if (!drain(who)) return -EINTR;
  Lock lock(mutex_);
  return told(errors_.tell(handle));
}

// What could not be synced may be lost, which is news for all handles.
int FileWriter::fsync(const mdp_caller& who, Heard* handle) {
  if (const int rc = flush(who, handle); rc != 0 || !core_->options.sync) return rc;
  const UnsyncedBlocks::Work work = core_->unsynced.of(ino_);
  if (!work.all && work.blocks.empty()) return 0;
  const int rc = work.all ? core_->slices->sync_all() : core_->slices->sync(work.blocks);
  if (rc == 0) {
    core_->unsynced.done(ino_, work);
    return 0;
  }
  core_->log(MDP_LOG_ERROR, "inode " + std::to_string(ino_) +
                                ": stored data may not survive a power loss: " +
                                std::strerror(-rc));
  Lock lock(mutex_);
  errors_.add(rc);
  return told(errors_.tell(handle));
}

Heard FileWriter::heard() const {
  Lock lock(mutex_);
  return errors_.heard();
}

int FileWriter::error_since(const Heard& heard) const {
  Lock lock(mutex_);
  return errors_.since(heard);
}

bool FileWriter::drain(const mdp_caller& who, std::optional<uint32_t> chunk) {
  Jobs jobs;
  uint64_t seq = 0;
  bool busy = false;
  {
    Lock lock(mutex_);
    if (uncommitted_ == 0) return true;
    seq = next_seq_;
    for (auto& [index, queue] : chunks_) {
      if (chunk && *chunk != index) continue;
      for (const SlicePtr& slice : queue.slices()) {
        busy = busy || slice->uploading();
        if (!slice->finished()) finish(slice, &jobs);
      }
    }
  }
  // A storage that hangs must not hold this thread: it could not give up any more.
  submit(std::move(jobs), !busy);
  Lock lock(mutex_);
  commit_announced(lock);
  while (!changed_.wait_for(lock, kGiveUpStep, [&] { return committed_before(seq, chunk); })) {
    if (is_interrupted(who)) return false;
  }
  return true;
}

bool FileWriter::committed_before(uint64_t seq, std::optional<uint32_t> chunk) const {
  return std::all_of(chunks_.begin(), chunks_.end(), [&](const auto& entry) {
    if (chunk && *chunk != entry.first) return true;
    return entry.second.empty() || entry.second.head()->seq() >= seq;
  });
}

FileWriter::Served FileWriter::serve(uint32_t chunk, uint32_t pos, uint32_t n, char* out) {
  {
    Lock lock(mutex_);
    const auto it = chunks_.find(chunk);
    if (it == chunks_.end()) return Served::kNone;
    const OpenSlice* holder = nullptr;
    switch (it->second.cover(pos, n, &holder)) {
      case ChunkQueue::Cover::kNone:
        return Served::kNone;
      case ChunkQueue::Cover::kHeld:
        holder->copy_out(pos, n, out);
        return Served::kCopied;
      case ChunkQueue::Cover::kMixed:
        break;
    }
  }
  drain(in_background({}), chunk);
  return Served::kNone;
}

uint64_t FileWriter::pending_end() const {
  Lock lock(mutex_);
  if (chunks_.empty()) return 0;
  // A slice of a later chunk ends behind all of earlier ones.
  const auto& [index, queue] = *chunks_.rbegin();
  uint32_t end = 0;
  for (const SlicePtr& slice : queue.slices()) end = std::max(end, slice->pos() + slice->len());
  return index * MDP_CHUNK_BYTES + end;
}

void FileWriter::overlay(mdp_attr* attr) const {
  const uint64_t end = pending_end();
  Lock lock(mutex_);
  if (committed_ && older(*attr, committed_->attr) &&
      OpenSlice::Clock::now() < committed_->until) {
    const mdp_attr& known = committed_->attr;
    attr->length = std::max(attr->length, known.length);
    attr->mtime = known.mtime;
    attr->mtime_nsec = known.mtime_nsec;
    attr->ctime = known.ctime;
    attr->ctime_nsec = known.ctime_nsec;
  }
  if (uncommitted_ == 0) return;
  attr->length = std::max(attr->length, end);
  attr->mtime = attr->ctime = last_write_.tv_sec;
  attr->mtime_nsec = attr->ctime_nsec = static_cast<uint32_t>(last_write_.tv_nsec);
}

bool FileWriter::dirty() const {
  Lock lock(mutex_);
  return uncommitted_ != 0;
}

void FileWriter::forget_commit() {
  Lock lock(mutex_);
  committed_.reset();
}

void FileWriter::opened(const mdp_attr& attr) {
  Lock lock(mutex_);
  if (committed_ && !older(attr, committed_->attr)) committed_.reset();
}

void FileWriter::finish_older(OpenSlice::Clock::time_point when) {
  Jobs jobs;
  bool commit = false;
  {
    Lock lock(mutex_);
    for (auto& [index, queue] : chunks_) {
      for (const SlicePtr& slice : queue.slices()) {
        if (!slice->finished() && slice->begun() <= when) finish(slice, &jobs);
      }
    }
    commit = !announced_.empty();
  }
  submit(std::move(jobs), false);
  if (!commit) return;
  core_->uploads.submit([file = self()] {
    Lock lock(file->mutex_);
    file->commit_announced(lock);
  });
}

uint64_t FileWriter::idle_bytes(OpenSlice::Clock::time_point* oldest) const {
  uint64_t sum = 0;
  *oldest = OpenSlice::Clock::time_point::max();
  Lock lock(mutex_);
  for (const auto& [index, queue] : chunks_) {
    for (const SlicePtr& slice : queue.slices()) {
      if (slice->finished()) continue;
      sum += slice->idle_bytes();
      *oldest = std::min(*oldest, slice->begun());
    }
  }
  return sum;
}

}  // namespace fastmeta::host
