// SPDX-License-Identifier: GPL-3.0-or-later
// The bytes of files: buffers writes into slices, stores slices as block
// objects, commits them to the plugin, reads them back. One DataEngine per
// mount; one FileData per inode that is open, shared by all its handles.
//
// Order that is always kept: a slice is committed (write_slice) only when all
// its objects are in place; slices of one chunk are committed in the order in
// which they were begun.
#pragma once

#include <mdp/plugin.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace fastmeta::host {

// Log lines of the host: level as enum mdp_log_level.
using LogFn = std::function<void(int level, const std::string& text)>;

// What the volume says about its data (mdp_ops.describe).
struct VolumeFormat {
  std::string name;
  std::string uuid;
  std::string storage;      // "file"
  std::string bucket;       // absolute directory with a trailing '/'
  uint32_t block_bytes = 4u << 20;
  std::string compression;  // "", "none", "lz4", "zstd"
  bool hash_prefix = false;
};

struct DataOptions {
  uint64_t write_buffer_bytes = 300u << 20;   // of all files; writers wait beyond it
  std::chrono::milliseconds flush_age{5000};  // a buffered slice is committed at this age
  uint32_t upload_threads = 8;
  uint64_t block_cache_bytes = 256u << 20;    // decoded blocks in memory
  uint64_t readahead_bytes = 8u << 20;        // ahead of a sequential reader
  uint32_t download_threads = 8;
  bool compact = true;
  // While the plugin answers EROFS (not now), commits are tried again for so long.
  std::chrono::milliseconds read_only_patience{10000};
  bool sync = true;  // an fsync makes stored data survive a power loss
  std::chrono::seconds missing_object_retry{5};  // a list may have been compacted elsewhere
};

struct DataStats {
  uint64_t buffered_bytes = 0;
  uint64_t uploads = 0, upload_bytes = 0, downloads = 0, download_bytes = 0;
  uint64_t block_cache_bytes = 0, block_cache_hits = 0, block_cache_misses = 0;
  uint64_t compactions = 0;
};

// How far a handle has heard of the errors of its file. Only FileData looks into it.
struct Heard {
  uint64_t errors = 0;
};

class FileData {
 public:
  virtual ~FileData() = default;

  // Each returns 0 or -errno. What was accepted and could not be stored is an error of the
  // file: each handle hears of it once, by its next write or flush.

  // Of a handle that opens now.
  virtual Heard heard() const = 0;

  // Buffers [off, off+size). Blocks while the write buffer is full, or until the caller gives
  // up (-EINTR, nothing is written). -EFBIG from 2^57 on. No handle: nobody to tell of an
  // earlier error.
  virtual int write(const mdp_caller& who, Heard* handle, uint64_t off, const char* data,
                    size_t size) = 0;

  // Up to `size` bytes; fewer only at the end of the file. Own buffered writes
  // are seen. *got is what was read.
  virtual int read(const mdp_caller& who, uint64_t off, char* out, size_t size, size_t* got) = 0;

  // Waits until everything written before this call is committed. -EINTR: the caller gave up
  // waiting, all goes on.
  virtual int flush(const mdp_caller& who, Heard* handle) = 0;
  // As flush; with the option `sync` what is stored then also survives a power loss.
  virtual int fsync(const mdp_caller& who, Heard* handle) = 0;
  // As flush, for who does not ask what became of it.
  virtual void drain(const mdp_caller& who) = 0;

  // These drain first, then call the plugin.
  virtual int truncate(const mdp_caller& who, uint64_t length, mdp_attr* out) = 0;
  virtual int fallocate(const mdp_caller& who, uint32_t mode, uint64_t off, uint64_t len,
                        mdp_attr* out) = 0;

  // Lays the length and mtime of writes that are not committed yet over an
  // attribute from the plugin.
  virtual void overlay(mdp_attr* attr) const = 0;
  // Fewer lookups: whether anything is buffered or on its way. Drain before an
  // mtime is set by hand: a commit that comes later would overwrite it.
  virtual bool dirty() const = 0;

  // The attribute that an open returned: starts a new view of the contents.
  virtual void opened(const mdp_attr& attr) = 0;
};

class DataEngine {
 public:
  // *why: one line naming what, where, what to do. Null on failure.
  static std::unique_ptr<DataEngine> open(const VolumeFormat& format, const DataOptions& options,
                                          const mdp_ops* ops, mdp_volume* volume, LogFn log,
                                          std::string* why);
  virtual ~DataEngine() = default;

  virtual void start() = 0;  // threads; after the host has forked
  // Commits everything, waits at most `timeout`, joins the threads. 0, or -errno
  // when something was lost (it is logged with the inode).
  virtual int stop(std::chrono::milliseconds timeout) = 0;

  // The shared state of an inode; release() by dropping the pointer. The state
  // lives on while data is on its way.
  virtual std::shared_ptr<FileData> acquire(uint64_t ino) = 0;
  // The state if the inode is open here, else null.
  virtual std::shared_ptr<FileData> find(uint64_t ino) = 0;
  // Flushes all files.
  virtual int flush_all(const mdp_caller& who) = 0;

  // The plugin's copy_file_range after flushing both files.
  virtual int copy_file_range(const mdp_caller& who, uint64_t from, uint64_t from_off,
                              uint64_t to, uint64_t to_off, uint64_t len, uint32_t flags,
                              uint64_t* copied, mdp_attr* to_attr) = 0;

  // Contents of the inode changed elsewhere: cached pieces of it are dropped.
  virtual void invalidate(uint64_t ino) = 0;

  // Callbacks of the plugin.
  virtual int delete_slice(uint64_t id, uint32_t size) = 0;
  virtual int slice_is_durable(uint64_t id, uint32_t size) = 0;

  virtual DataStats stats() const = 0;
};

// Writes <bucket><name>/juicefs_uuid when a volume is formatted and checks that
// the bucket can be written. *why as above.
// Before it: whether <bucket><name>/ is free, so that no other volume's objects are replaced
// (numbers of slices begin anew in each volume). 0, -EEXIST or another -errno.
int check_bucket_is_free(const VolumeFormat& format, std::string* why);
int prepare_bucket(const VolumeFormat& format, const std::string& uuid, std::string* why);

}  // namespace fastmeta::host
