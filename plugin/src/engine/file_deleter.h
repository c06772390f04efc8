// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the data of files whose inode is gone: chunk by chunk in the store,
// the objects that nobody refers to any more through the host, the delfiles
// member last, so that an interrupted removal is found again.
//
// Threads: add* any; the work is done on threads of its own between start and stop.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/executor.h"
#include "model/schema/keys.h"
#include "redis/client.h"
#include "util/log.h"

namespace fastmeta::engine {

class FileDeleter {
 public:
  // 0 when the objects of the slice are gone.
  using DeleteSlice = std::function<int(uint64_t id, uint32_t size)>;

  FileDeleter(redis::Client& client, const model::KeySpace& keys, DeleteSlice delete_slice,
              Log log);

  void start(Executor& executor, size_t threads);
  // Finishes what is under way; what waits stays in delfiles for others.
  void stop();

  // Beyond a bound, files are left in delfiles (others take them up after an
  // hour) and slices with their negative count.
  void add_files(const std::vector<model::DeadFile>& files);
  void add_slices(const std::vector<model::SliceRelease>& slices);

  size_t waiting() const;

 private:
  struct Job {
    model::DeadFile file;            // ino 0: the job is the slice
    model::SliceRelease slice;
  };
  void add(Job job);
  void run();
  bool stopping();
  Result<void> delete_file(const model::DeadFile& file);
  Result<void> delete_slice(uint64_t id, uint32_t size);
  Result<std::vector<uint32_t>> chunks_of(const model::DeadFile& file);

  redis::Client& client_;
  const model::KeySpace& keys_;
  const DeleteSlice delete_slice_;
  const Log log_;
  Executor* executor_ = nullptr;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fastmeta::engine
