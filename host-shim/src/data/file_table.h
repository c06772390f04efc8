// SPDX-License-Identifier: GPL-3.0-or-later
// One FileData per inode, for as long as somebody holds it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "data/data_engine.h"

namespace fastmeta::host {

class FileTable {
 public:
  std::shared_ptr<FileData> find(uint64_t ino) {
    std::lock_guard lock(mutex_);
    const auto it = files_.find(ino);
    return it == files_.end() ? nullptr : it->second.lock();
  }
  std::shared_ptr<FileData> get(uint64_t ino,
                                const std::function<std::shared_ptr<FileData>()>& make) {
    std::lock_guard lock(mutex_);
    std::weak_ptr<FileData>& slot = files_[ino];
    std::shared_ptr<FileData> file = slot.lock();
    if (!file) slot = file = make();
    return file;
  }
  // From the destructor of a file; by then another may have taken its place.
  void forget(uint64_t ino) {
    std::lock_guard lock(mutex_);
    const auto it = files_.find(ino);
    if (it != files_.end() && it->second.expired()) files_.erase(it);
  }

 private:
  std::mutex mutex_;  // a leaf
  std::unordered_map<uint64_t, std::weak_ptr<FileData>> files_;  // guarded by mutex_
};

}  // namespace fastmeta::host
