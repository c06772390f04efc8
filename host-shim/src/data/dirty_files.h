// SPDX-License-Identifier: GPL-3.0-or-later
// The files that have uncommitted slices; keeps them alive until they have none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace fastmeta::host {

class FileWriter;

class DirtyFiles {
 public:
  // The writer must be alive through whoever calls.
  void add(uint64_t ino, std::shared_ptr<FileWriter> file) {
    std::lock_guard lock(mutex_);
    files_[ino] = std::move(file);
    if (files_.size() == 1) changed_.notify_all();
  }
  void remove(uint64_t ino) {
    std::lock_guard lock(mutex_);
    files_.erase(ino);
    if (files_.empty()) changed_.notify_all();
  }
  std::vector<std::shared_ptr<FileWriter>> all() const {
    std::vector<std::shared_ptr<FileWriter>> out;
    std::lock_guard lock(mutex_);
    out.reserve(files_.size());
    for (const auto& [ino, file] : files_) out.push_back(file);
    return out;
  }
  // False when the deadline came first.
  bool wait_empty(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [this] { return files_.empty(); });
  }
  // For the flusher: waits for `step`, and longer while there is nothing to do.
  void pause(std::chrono::milliseconds step) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !files_.empty() || nudged_; });
    changed_.wait_for(lock, step, [this] { return nudged_; });
    nudged_ = false;
  }
  void nudge() {
    std::lock_guard lock(mutex_);
    nudged_ = true;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;  // a leaf
  std::condition_variable changed_;
  std::unordered_map<uint64_t, std::shared_ptr<FileWriter>> files_;  // guarded by mutex_
  bool nudged_ = false;                                              // guarded by mutex_
};

}  // namespace fastmeta::host
