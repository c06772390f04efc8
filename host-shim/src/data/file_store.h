// SPDX-License-Identifier: GPL-3.0-or-later
// Objects as files of a directory.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "data/kept_objects.h"
#include "data/object_store.h"

namespace fastmeta::host {

class FileStore final : public ObjectStore {
 public:
  // root: directory of the volume, with a trailing '/'. It is never made here: where it is
  // missing its file system is not mounted. A put then is -ENODEV.
  explicit FileStore(std::string root);

  int put(const std::string& name, const char* data, size_t size) override;
  int sync(const std::vector<std::string>& names) override;
  int sync_all() override;
  int get(const std::string& name, size_t most, std::vector<char>* out) override;
  int get_range(const std::string& name, size_t whole, size_t off, size_t n, char* out) override;
  int size_of(const std::string& name, uint64_t* size) override;
  int keep(const std::string& name, uint64_t* size) override;
  void tend() override;
  int remove(const std::string& name) override;
  bool cheap_ranges() const override { return true; }
  void will_need(const std::string& name) override;

 private:
  int make_folder(const std::string& folder);
  int sync_folder(const std::string& folder);

  std::string root_;
  KeptObjects kept_;
  uint64_t tmp_prefix_;  // differs between processes that share the directory
  std::atomic<uint32_t> tmp_next_{0};
  std::mutex mutex_;               // a leaf
  std::set<std::string> lasting_;  // folders that survive a power loss; guarded by mutex_
};

// Creates a directory and those above it, but for the first `there` bytes of the path.
// 0 or -errno.
int make_directories(const std::string& path, size_t there = 0);

}  // namespace fastmeta::host
