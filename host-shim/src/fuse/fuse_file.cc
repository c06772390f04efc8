// SPDX-License-Identifier: GPL-3.0-or-later
// Open files: create, open, flush, fsync, release.
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "fuse/file_system.h"
#include "fuse/handlers.h"

namespace fastmeta::host {
namespace {

uint64_t as_fh(FileHandle* handle) { return reinterpret_cast<uint64_t>(handle); }

std::unique_ptr<FileHandle> make_handle(FileSystem& fs, const mdp_open_reply& opened,
                                        uint32_t flags) {
  auto data = fs.data.acquire(opened.attr.ino);
  data->opened(opened.attr);
  const Heard heard = data->heard();
  return std::make_unique<FileHandle>(
      FileHandle{opened.attr.ino, opened.handle, std::move(data),
                 (flags & O_ACCMODE) != O_RDONLY, heard});
}

void on_open(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  const auto flags = static_cast<uint32_t>(fi->flags);
  const Overlay overlay(fs.data.find(ino));
  mdp_open_reply opened{};
  if (const int rc = fs.ops.open_file(fs.volume, &who, ino, flags, &opened); rc != 0) {
    return reply_result(req, rc);
  }
  opened.attr.ino = ino;
  std::unique_ptr<FileHandle> handle = make_handle(fs, opened, flags);
  overlay.apply(&opened.attr);

  const auto verdict = fs.view.opened(ino, opened.attr);
  if (verdict.stale_attr) fs.port.expire_inode(ino, false);

  FileHandle* open = fs.files.add(std::move(handle));
  fi->fh = as_fh(open);
  fi->keep_cache = verdict.keep_pages;
  if (fuse_reply_open(req, fi) != 0) close_file(fs, *fs.files.take(open));
}

void on_create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode,
               fuse_file_info* fi) {
  if (refused_name(req, name)) return;
  FileSystem& fs = fs_of(req);
  KernelView::Answer answer(fs.view, fs.view.seen());
  const mdp_caller who = caller_of(req);
  const auto flags = static_cast<uint32_t>(fi->flags);
  mdp_entry entry{};
  mdp_open_reply opened{};
  const int rc = fs.ops.create(fs.volume, &who, parent, name, std::strlen(name), mode, flags,
                               &entry, &opened);
  if (rc != 0) return reply_result(req, rc);
  fs.view.changed(parent);
  opened.attr.ino = entry.attr.ino;
  std::unique_ptr<FileHandle> handle = make_handle(fs, opened, flags);
  if (handle->data->dirty()) {
    handle->data->overlay(&entry.attr);
    entry.attr_valid_ms = 0;
  }
  // Somebody else may have made the file a moment before.
  if ((flags & O_TRUNC) != 0 && entry.attr.length != 0) {
    if (const int failed = handle->data->truncate(who, 0, &entry.attr); failed != 0) {
      close_file(fs, *handle);
      return reply_result(req, failed);
    }
    fs.view.changed(entry.attr.ino);
  }

  const auto timeouts = answer.entry(parent, name, entry);
  fs.view.opened(entry.attr.ino, entry.attr);
  fuse_entry_param e{};
  e.ino = entry.attr.ino;
  e.attr = to_stat(entry.attr);
  e.entry_timeout = timeouts.entry;
  e.attr_timeout = timeouts.attr;
  FileHandle* open = fs.files.add(std::move(handle));
  fi->fh = as_fh(open);
  if (fuse_reply_create(req, &e, fi) != 0) {
    close_file(fs, *fs.files.take(open));
    forget(fs, e.ino, 1);
  }
}

// Nobody is left to hear of it, and nobody asks again.
void check_released(FileSystem& fs, uint64_t ino, int rc) {
  if (rc == 0) return;
  fs.log(MDP_LOG_ERROR, "inode " + std::to_string(ino) +
                            ": its locks were not let go of at close: " + std::strerror(-rc));
}

// A close(2) of one descriptor: tells writers what has failed, drops the closer's locks.
void on_flush(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  FileHandle& handle = handle_of(fi);
  const bool locked = fs.posix_owners.remove(ino, fi->lock_owner);
  int rc = 0;
  if (handle.writes) {
    // Whoever gets the lock next must see what was written: that is waited for in any case.
    rc = handle.data->flush(locked ? who : closing_caller(req), &handle.heard);
    if (rc == 0) rc = report_sacrifice(fs, ino);
    // A child process that closes what it has inherited must not swallow the only word of
    // it: the next fsync hears it as well.
    if (rc != 0) handle.owed->store(rc);
  } else {
    handle.data->drain(locked ? who : closing_caller(req));
  }
  if (locked) {
    mdp_lock all{};
    all.end = std::numeric_limits<int64_t>::max();
    all.type = MDP_LOCK_NONE;
    check_released(fs, ino, fs.ops.setlk(fs.volume, &who, ino, fi->lock_owner, &all));
  }
  reply_result(req, rc);
}

void on_fsync(fuse_req_t req, fuse_ino_t ino, int, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  FileHandle& handle = handle_of(fi);
  int rc = handle.data->fsync(mortal_caller(req), &handle.heard);
  if (rc == 0 && fs.ops.fsync != nullptr) {
    rc = fs.ops.fsync(fs.volume, ino, MDP_FSYNC_CONFIGURED);
  }
  const int owed = handle.owed->exchange(0);
  if (rc == 0) rc = owed;
  reply_result(req, rc);
}

// The last descriptor is gone. Pages that were written through a mapping may have
// come after the last close; nobody is left to hear of their errors, which are logged.
void on_release(fuse_req_t req, fuse_ino_t ino, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  const std::unique_ptr<FileHandle> handle = fs.files.take(&handle_of(fi));
  if (handle->data->dirty()) handle->data->drain(who);
  // As long as it was open every answer has asked again.
  if (handle->writes) fs.view.changed(ino);
  if (fi->flock_release && fs.ops.flock != nullptr) {
    check_released(fs, ino,
                   fs.ops.flock(fs.volume, &who, ino, fi->lock_owner, MDP_LOCK_NONE, 0));
  }
  close_file(fs, *handle);
  fuse_reply_err(req, 0);
}

}  // namespace

void add_file_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  out->open = on_open;
  if (ops.create != nullptr) out->create = on_create;
  out->flush = on_flush;
  out->fsync = on_fsync;
  out->release = on_release;
}

}  // namespace fastmeta::host
