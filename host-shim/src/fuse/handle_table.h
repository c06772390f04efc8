// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel holds open. It gives each back, unless the connection is cut.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

namespace fastmeta::host {

template <typename Handle>
class HandleTable {
 public:
  ~HandleTable() { take_all(); }

  Handle* add(std::unique_ptr<Handle> handle) {
    std::lock_guard lock(mutex_);
    open_.insert(handle.get());
    return handle.release();
  }
  std::unique_ptr<Handle> take(Handle* handle) {
    std::lock_guard lock(mutex_);
    open_.erase(handle);
    return std::unique_ptr<Handle>(handle);
  }
  std::vector<std::unique_ptr<Handle>> take_all() {
    std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<Handle>> all;
    for (Handle* handle : open_) all.emplace_back(handle);
    open_.clear();
    return all;
  }

 private:
  std::mutex mutex_;
  std::unordered_set<Handle*> open_;
};

}  // namespace fastmeta::host
