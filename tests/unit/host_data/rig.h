// SPDX-License-Identifier: GPL-3.0-or-later
// A data engine over the fake plugin, objects in a temporary directory that can
// be made to fail.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/data_engine.h"
#include "data/file_store.h"
#include "fake_plugin.h"

namespace fastmeta::host::test {

// What a store is asked may fail before it is done.
class FaultyStore final : public ObjectStore {
 public:
  using Fault = std::function<int(const char* op, const std::string& name)>;
  FaultyStore(std::string root, Fault fault, bool ranges)
      : files_(std::move(root)), fault_(std::move(fault)), ranges_(ranges) {}

  int put(const std::string& name, const char* data, size_t size) override {
    const int rc = fault_("put", name);
    return rc != 0 ? rc : files_.put(name, data, size);
  }
  int sync(const std::vector<std::string>& names) override {
    for (const std::string& name : names) {
      if (const int rc = fault_("sync", name); rc != 0) return rc;
    }
    return files_.sync(names);
  }
  int sync_all() override {
    const int rc = fault_("sync_all", "");
    return rc != 0 ? rc : files_.sync_all();
  }
  int get(const std::string& name, size_t most, std::vector<char>* out) override {
    const int rc = fault_("get", name);
    return rc != 0 ? rc : files_.get(name, most, out);
  }
  int get_range(const std::string& name, size_t whole, size_t off, size_t n,
                char* out) override {
    const int rc = fault_("get", name);
    return rc != 0 ? rc : files_.get_range(name, whole, off, n, out);
  }
  int size_of(const std::string& name, uint64_t* size) override {
    return files_.size_of(name, size);
  }
  int keep(const std::string& name, uint64_t* size) override {
    const int rc = fault_("keep", name);
    return rc != 0 ? rc : files_.keep(name, size);
  }
  void tend() override { files_.tend(); }
  int remove(const std::string& name) override {
    const int rc = fault_("remove", name);
    return rc != 0 ? rc : files_.remove(name);
  }
  bool cheap_ranges() const override { return ranges_; }
  void will_need(const std::string& name) override { files_.will_need(name); }

 private:
  FileStore files_;
  Fault fault_;
  bool ranges_;
};

inline constexpr uint32_t kBlock = 64u << 10;

struct RigOptions {
  std::string compression = "none";
  bool hash_prefix = false;
  uint32_t block_bytes = kBlock;
  bool ranges = true;  // of the store
  bool start = true;   // the engine's threads
  std::string root;    // instead of a temporary directory
  DataOptions data;

  RigOptions() {
    data.compact = false;
    data.upload_threads = data.download_threads = 3;
    data.flush_age = std::chrono::milliseconds(60000);
    data.read_only_patience = std::chrono::milliseconds(0);
    data.missing_object_retry = std::chrono::seconds(0);
  }
};

const mdp_caller& somebody();

// A file through one handle of it, as the host has one for each open(2).
class Handle {
 public:
  explicit Handle(std::shared_ptr<FileData> file)
      : file_(std::move(file)), heard_(file_->heard()) {}

  int write(const mdp_caller& who, uint64_t off, const char* data, size_t size) {
    return file_->write(who, &heard_, off, data, size);
  }
  int read(const mdp_caller& who, uint64_t off, char* out, size_t size, size_t* got) {
    return file_->read(who, off, out, size, got);
  }
  int fsync() { return file_->fsync(somebody(), &heard_); }
  int flush(const mdp_caller& who = somebody()) { return file_->flush(who, &heard_); }
  int truncate(const mdp_caller& who, uint64_t length, mdp_attr* out) {
    return file_->truncate(who, length, out);
  }
  int fallocate(const mdp_caller& who, uint32_t mode, uint64_t off, uint64_t len, mdp_attr* out) {
    return file_->fallocate(who, mode, off, len, out);
  }
  void overlay(mdp_attr* attr) const { file_->overlay(attr); }
  bool dirty() const { return file_->dirty(); }
  FileData& data() { return *file_; }

 private:
  const std::shared_ptr<FileData> file_;
  Heard heard_;
};

class Rig {
 public:
  explicit Rig(RigOptions options = {});
  ~Rig();

  FakePlugin plugin;
  std::unique_ptr<DataEngine> engine;
  // Set before what it should hit.
  void fail_store(FaultyStore::Fault fault);

  std::shared_ptr<Handle> open(uint64_t ino);
  int write(Handle& file, uint64_t off, const std::string& bytes);
  // The bytes, or "errno <n>".
  std::string read(Handle& file, uint64_t off, size_t size);

  std::string log();  // all lines of level ERROR
  std::string path_of(const std::string& object) const { return root_ + object; }
  std::vector<std::string> objects() const;  // files below chunks/, sorted
  bool in_place(uint64_t id, uint32_t size) const;

 private:
  RigOptions options_;
  std::string root_;
  std::mutex mutex_;          // guards both below
  std::string log_;
  FaultyStore::Fault fault_;
};

// Bytes that differ by place and seed.
std::string pattern(size_t size, uint64_t seed);

// Waits until `holds` or 10 s have gone; whether it holds.
bool eventually(const std::function<bool()>& holds);

}  // namespace fastmeta::host::test
