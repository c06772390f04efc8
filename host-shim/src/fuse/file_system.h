// SPDX-License-Identifier: GPL-3.0-or-later
// What every handler of a kernel request works with.
#pragma once

#include <mdp/plugin.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "data/data_engine.h"
#include "fuse/dir_handle.h"
#include "fuse/fuse_api.h"
#include "fuse/handle_table.h"
#include "fuse/lock_owners.h"
#include "fuse/lock_waiters.h"
#include "kernel/kernel_view.h"
#include "kernel/notifier.h"

namespace fastmeta::host {

// An open file, what fuse_file_info.fh points to.
struct FileHandle {
  uint64_t ino;
  uint64_t plugin_handle;
  std::shared_ptr<FileData> data;
  bool writes = false;  // opened for writing: hears of what became of it at close
  Heard heard;
  // What a close has reported, for the next fsync too. Shared: handles are moved about.
  std::shared_ptr<std::atomic<int>> owed = std::make_shared<std::atomic<int>>(0);
};

struct FileSystem {
  const mdp_ops& ops;
  mdp_volume* volume;
  DataEngine& data;
  KernelView& view;
  KernelPort& port;
  LogFn log;
  HandleTable<FileHandle> files;
  HandleTable<DirHandle> dirs;
  LockOwners posix_owners;
  LockWaiters lock_waiters;
  // Writes of pages that programs have mapped: begun so far, and in work.
  std::atomic<uint64_t> mapped_writes{0};
  std::atomic<int> mapped_writes_now{0};
};

inline FileSystem& fs_of(fuse_req_t req) {
  return *static_cast<FileSystem*>(fuse_req_userdata(req));
}
inline FileHandle& handle_of(const fuse_file_info* fi) {
  return *reinterpret_cast<FileHandle*>(fi->fh);
}

// Who asks, in the words of the contract.
mdp_caller caller_of(fuse_req_t req);
// As above; the plugin may give up when the request is interrupted or `*given_up`.
// Only for waits: elsewhere the outcome would be unknown to the caller.
struct Patience {
  fuse_req_t req;
  const std::atomic<bool>* given_up;
};
mdp_caller patient_caller(const Patience& patience);
// As caller_of; gives up waiting only when the program is being killed: a signal that a
// program handles does not end a read or write of a file.
mdp_caller mortal_caller(fuse_req_t req);
// The same in a close, which is also the last a killed program does; then the kernel does not
// say that it was interrupted. Asking is slower: only for waits of seconds.
mdp_caller closing_caller(fuse_req_t req);

// Attributes as the kernel takes them.
struct stat to_stat(const mdp_attr& attr);

// Lays what is buffered here over an attribute that the plugin gives. Made before
// the plugin is asked: what is committed in between is in neither the answer nor
// the buffers any more.
class Overlay {
 public:
  explicit Overlay(std::shared_ptr<FileData> data);
  // Also told whether it is on the move: then it should not be remembered.
  bool apply(mdp_attr* attr) const;

 private:
  std::shared_ptr<FileData> data_;
  mdp_attr before_{};
  bool dirty_ = false;
};

// An entry of an inode that may be open here: asks again when it is, because it was
// found by name and the overlay must come first.
void overlay_entry(FileSystem& fs, const mdp_caller& who, mdp_entry* entry);

// Counts the lookup and replies. The reply of a request that was given up is
// taken back.
void reply_entry(fuse_req_t req, KernelView::Answer& answer, uint64_t parent,
                 std::string_view name, const mdp_entry& entry);
void reply_attr(fuse_req_t req, uint64_t seen, const mdp_attr& attr, uint32_t valid_ms);

// The kernel's reference count went down; the plugin learns of the last.
void forget(FileSystem& fs, uint64_t ino, uint64_t lookups);

// Names that no plugin takes are refused here; the kernel lets up to 1024 bytes by.
// True when it has replied.
inline bool refused_name(fuse_req_t req, const char* name) {
  if (std::strlen(name) <= MDP_NAME_MAX) return false;
  fuse_reply_err(req, ENAMETOOLONG);
  return true;
}

// -EIO once after an acknowledged change of the inode was sacrificed; else 0.
int report_sacrifice(FileSystem& fs, uint64_t ino);

void close_file(FileSystem& fs, const FileHandle& handle);
// What the kernel has not given back when the connection was cut.
void close_left_open(FileSystem& fs);

// 0 or -errno of the contract, as fuse_reply_err wants it.
inline void reply_result(fuse_req_t req, int result) { fuse_reply_err(req, -result); }

}  // namespace fastmeta::host
