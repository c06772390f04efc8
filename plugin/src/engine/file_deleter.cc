// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/file_deleter.h"

#include "model/rules/data.h"
#include "redis/scan.h"
#include "util/bytes.h"

namespace fastmeta::engine {

using model::DeadFile;
using redis::Command;

namespace {
constexpr size_t kWaitingMax = 100'000;
constexpr uint64_t kChunksAskedEach = 10'000;  // longer files are searched by SCAN
constexpr size_t kAskStep = 1000;
}  // namespace

FileDeleter::FileDeleter(redis::Client& client, const model::KeySpace& keys,
                         DeleteSlice delete_slice, Log log)
    : client_(client), keys_(keys), delete_slice_(std::move(delete_slice)), log_(std::move(log)) {}

void FileDeleter::start(Executor& executor, size_t threads) {
  executor_ = &executor;
  stopping_ = false;
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void FileDeleter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  std::lock_guard lock(mutex_);
  jobs_.clear();
}

void FileDeleter::add(Job job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || threads_.empty() || jobs_.size() >= kWaitingMax) return;
    jobs_.push_back(job);
  }
  wake_.notify_one();
}

void FileDeleter::add_files(const std::vector<DeadFile>& files) {
  for (const auto& file : files) add({file, {}});
}

void FileDeleter::add_slices(const std::vector<model::SliceRelease>& slices) {
  for (const auto& slice : slices) add({{}, slice});
}

size_t FileDeleter::waiting() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void FileDeleter::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    auto done = job.file.ino ? delete_file(job.file) : delete_slice(job.slice.id, job.slice.size);
    if (done) continue;
    if (job.file.ino)
      log_.warn("the data of removed inode {} is left for a later sweep: {}", job.file.ino,
                done.error().text);
    else
      log_.warn("slice {} is left for a later sweep: {}", job.slice.id, done.error().text);
  }
}

Result<std::vector<uint32_t>> FileDeleter::chunks_of(const DeadFile& file) {
  // One more than the length has: a file that was cut to nothing kept its list.
  const uint64_t count = file.length / model::kChunkBytes + 1;
  std::vector<uint32_t> found;
  if (count <= kChunksAskedEach) {
    for (uint64_t from = 0; from < count; from += kAskStep) {
      const uint64_t to = std::min<uint64_t>(count, from + kAskStep);
      std::vector<Command> asks;
      for (uint64_t k = from; k < to; ++k)
        asks.push_back({"LLEN", keys_.chunk(file.ino, static_cast<uint32_t>(k))});
      MDP_TRY(auto lengths, client_.read(asks, client_.deadline()));
      for (size_t i = 0; i < lengths.size(); ++i) {
        if (lengths[i].is_error()) return redis::refused(lengths[i], "LLEN");
        if (lengths[i].number > 0) found.push_back(static_cast<uint32_t>(from + i));
      }
    }
    return found;
  }
  const std::string mark = keys_.prefix() + "c" + std::to_string(file.ino) + "_";
  redis::Scan scan(client_, {"SCAN", "0", "MATCH", mark + "*", "COUNT", "10000"}, 1);
  while (!scan.done()) {
    MDP_TRY(const auto page, scan.next());
    for (const auto& key : page)
      if (auto parsed = keys_.parse(key.text); parsed && parsed->kind == 'c')
        found.push_back(parsed->index);
  }
  return found;
}

bool FileDeleter::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

Result<void> FileDeleter::delete_file(const DeadFile& file) {
  MDP_TRY(auto chunks, chunks_of(file));
  for (uint32_t chunk : chunks) {
    // The server remembers what is left.
    if (stopping()) return Error{Fault::kAnswer, EINTR, "the mount ends"};
    MDP_TRY_VOID(executor_->write(
        [&](const model::View& seen, model::Mutations& out) {
          return model::delete_chunk(seen, file.ino, chunk, out);
        },
        {}));
  }
  MDP_TRY(auto reply, client_.write_one({"ZREM", keys_.plain(model::kDelFiles),
                                         model::dead_file_member(file.ino, file.length)}));
  if (reply.is_error()) return redis::refused(reply, "ZREM");
  return {};
}

Result<void> FileDeleter::delete_slice(uint64_t id, uint32_t size) {
  if (const int failed = delete_slice_(id, size); failed != 0)
    return Error{Fault::kAnswer, -failed, "its objects could not be removed"};
  MDP_TRY(auto reply, client_.write_one({"HDEL", keys_.plain(model::kSliceRef),
                                         model::slice_ref_field(id, size)}));
  if (reply.is_error()) return redis::refused(reply, "HDEL");
  return {};
}

}  // namespace fastmeta::engine
