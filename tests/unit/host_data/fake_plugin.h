// SPDX-License-Identifier: GPL-3.0-or-later
// A plugin in memory that knows files only: their length and their records.
#pragma once

#include <mdp/plugin.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace fastmeta::host::test {

class FakePlugin {
 public:
  struct File {
    mdp_attr attr{};
    std::map<uint32_t, std::vector<mdp_slice>> chunks;  // records, the oldest first
  };

  FakePlugin();

  const mdp_ops* ops() const { return &ops_; }
  mdp_volume* volume() { return reinterpret_cast<mdp_volume*>(this); }

  void add_file(uint64_t ino);
  void remove_file(uint64_t ino);
  File file(uint64_t ino);
  std::vector<mdp_slice> records(uint64_t ino, uint32_t chunk);
  void set_records(uint64_t ino, uint32_t chunk, std::vector<mdp_slice> records);
  void set_length(uint64_t ino, uint64_t length);

  // Answers that are not 0 are returned instead of doing it. Set before use.
  std::function<int(const char* op, uint64_t ino)> fault;
  // Asked by write_slice and compact_commit: are the objects of a slice in place?
  std::function<bool(uint64_t id, uint32_t size)> in_place;
  // What the slices of a chunk are that nobody refers to after a merge.
  std::function<void(uint64_t id, uint32_t size)> unreferenced;
  // What broke a rule of the contract; empty when all is well.
  std::vector<std::string> violations();
  uint32_t fresh_reads() const { return fresh_reads_; }
  std::vector<mdp_caller> commit_callers();

 private:
  static FakePlugin& self(mdp_volume* v) { return *reinterpret_cast<FakePlugin*>(v); }
  static int new_slice(mdp_volume* v, uint64_t* id);
  static int write_slice(mdp_volume* v, const mdp_caller* who, uint64_t ino,
                         const mdp_slice_write* write, mdp_attr* out);
  static int read_slices(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint32_t chunk,
                         uint32_t flags, mdp_slice* out, size_t cap, size_t* count,
                         uint32_t* records);
  static int getattr(mdp_volume* v, const mdp_caller* who, uint64_t ino, mdp_entry* out);
  static int truncate(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint64_t length,
                      mdp_attr* out);
  static int fallocate(mdp_volume* v, const mdp_caller* who, uint64_t ino, uint32_t mode,
                       uint64_t off, uint64_t len, mdp_attr* out);
  static int copy_file_range(mdp_volume* v, const mdp_caller* who, uint64_t from,
                             uint64_t from_off, uint64_t to, uint64_t to_off, uint64_t len,
                             uint32_t flags, uint64_t* copied, mdp_attr* to_attr);
  static int compact_plan(mdp_volume* v, uint64_t ino, uint32_t chunk, mdp_compaction* plan,
                          mdp_slice* pieces, size_t cap, size_t* count);
  static int compact_commit(mdp_volume* v, uint64_t ino, const mdp_compaction* plan,
                            uint64_t id);

  int faulty(const char* op, uint64_t ino) { return fault ? fault(op, ino) : 0; }
  void require(bool holds, const std::string& what);
  void touch(File& file);  // mutex_ is held

  mdp_ops ops_{};
  std::mutex mutex_;  // guards all below
  std::map<uint64_t, File> files_;
  std::map<uint64_t, uint32_t> known_ids_;  // committed slices and their size
  uint64_t next_id_ = 1;
  std::vector<std::string> violations_;
  std::vector<mdp_caller> commit_callers_;
  std::atomic<uint32_t> fresh_reads_{0};
};

// The visible pieces of records, gaps as id 0.
std::vector<mdp_slice> visible(const std::vector<mdp_slice>& records);

}  // namespace fastmeta::host::test
