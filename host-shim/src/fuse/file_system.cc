// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/file_system.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "fuse/caller_process.h"

namespace fastmeta::host {
namespace {

// What readers and writers should move at once.
constexpr blksize_t kPreferredIo = 64 * 1024;

int given_up(void* ctx) {
  const auto* patience = static_cast<const Patience*>(ctx);
  return patience->given_up->load(std::memory_order_relaxed) ||
         fuse_req_interrupted(patience->req);
}

int dying(void* ctx) {
  return is_dying(static_cast<uint32_t>(fuse_req_ctx(static_cast<fuse_req_t>(ctx))->pid));
}

int killed(void* ctx) {
  return fuse_req_interrupted(static_cast<fuse_req_t>(ctx)) != 0 && dying(ctx) != 0;
}

}  // namespace

mdp_caller caller_of(fuse_req_t req) {
  const fuse_ctx* ctx = fuse_req_ctx(req);
  mdp_caller who{};
  who.struct_size = sizeof who;
  who.uid = ctx->uid;
  who.gid = ctx->gid;
  who.pid = process_of(static_cast<uint32_t>(ctx->pid));
  who.umask = ctx->umask;
  return who;
}

mdp_caller patient_caller(const Patience& patience) {
  mdp_caller who = caller_of(patience.req);
  who.interrupted = given_up;
  who.interrupted_ctx = const_cast<Patience*>(&patience);
  return who;
}

mdp_caller mortal_caller(fuse_req_t req) {
  mdp_caller who = caller_of(req);
  who.interrupted = killed;
  who.interrupted_ctx = req;
  return who;
}

mdp_caller closing_caller(fuse_req_t req) {
  mdp_caller who = caller_of(req);
  who.interrupted = dying;
  who.interrupted_ctx = req;
  return who;
}

struct stat to_stat(const mdp_attr& attr) {
  struct stat st{};
  st.st_ino = attr.ino;
  st.st_mode = attr.mode;
  st.st_nlink = attr.nlink;
  st.st_uid = attr.uid;
  st.st_gid = attr.gid;
  st.st_rdev = attr.rdev;
  st.st_size = static_cast<off_t>(attr.length);
  st.st_blksize = kPreferredIo;
  st.st_blocks = static_cast<blkcnt_t>((attr.length + 511) / 512);
  st.st_atim = {attr.atime, static_cast<long>(attr.atime_nsec)};
  st.st_mtim = {attr.mtime, static_cast<long>(attr.mtime_nsec)};
  st.st_ctim = {attr.ctime, static_cast<long>(attr.ctime_nsec)};
  return st;
}

Overlay::Overlay(std::shared_ptr<FileData> data) : data_(std::move(data)) {
  if (data_ == nullptr) return;
  dirty_ = data_->dirty();
  if (dirty_) data_->overlay(&before_);
}

bool Overlay::apply(mdp_attr* attr) const {
  if (data_ == nullptr) return false;
  if (dirty_) {
    attr->length = std::max(attr->length, before_.length);
    if (std::tie(before_.mtime, before_.mtime_nsec) > std::tie(attr->mtime, attr->mtime_nsec)) {
      attr->mtime = before_.mtime;
      attr->mtime_nsec = before_.mtime_nsec;
    }
  }
  data_->overlay(attr);
  return dirty_ || data_->dirty();
}

void overlay_entry(FileSystem& fs, const mdp_caller& who, mdp_entry* entry) {
  if (!S_ISREG(entry->attr.mode)) return;
  std::shared_ptr<FileData> data = fs.data.find(entry->attr.ino);
  if (data == nullptr) return;
  const Overlay overlay(std::move(data));
  mdp_entry again{};
  if (fs.ops.getattr(fs.volume, &who, entry->attr.ino, &again) == 0) {
    entry->attr = again.attr;
    entry->attr_valid_ms = std::min(entry->attr_valid_ms, again.attr_valid_ms);
  }
  if (overlay.apply(&entry->attr)) entry->attr_valid_ms = 0;
}

void reply_entry(fuse_req_t req, KernelView::Answer& answer, uint64_t parent,
                 std::string_view name, const mdp_entry& entry) {
  FileSystem& fs = fs_of(req);
  const auto timeouts = answer.entry(parent, name, entry);
  if (entry.attr.ino == 0 && timeouts.entry == 0) {
    fuse_reply_err(req, ENOENT);
    return;
  }
  fuse_entry_param e{};
  e.ino = entry.attr.ino;
  e.attr = to_stat(entry.attr);
  e.entry_timeout = timeouts.entry;
  e.attr_timeout = timeouts.attr;
  if (fuse_reply_entry(req, &e) != 0 && e.ino != 0) forget(fs, e.ino, 1);
}

void reply_attr(fuse_req_t req, uint64_t seen, const mdp_attr& attr, uint32_t valid_ms) {
  KernelView::Answer answer(fs_of(req).view, seen);
  const double timeout = answer.attr(attr, valid_ms);
  const struct stat st = to_stat(attr);
  fuse_reply_attr(req, &st, timeout);
}

void close_file(FileSystem& fs, const FileHandle& handle) {
  const int rc = fs.ops.close_file(fs.volume, handle.ino, handle.plugin_handle);
  if (rc != 0) {
    fs.log(MDP_LOG_WARN,
           "close of inode " + std::to_string(handle.ino) + ": " + std::strerror(-rc));
  }
}

int report_sacrifice(FileSystem& fs, uint64_t ino) {
  // A plugin of 1.0 would take the level for another, and acknowledges nothing early.
  if (fs.ops.fsync == nullptr || fs.ops.abi_minor < 1) return 0;
  return fs.ops.fsync(fs.volume, ino, MDP_FSYNC_REPORT);
}

void close_left_open(FileSystem& fs) {
  for (const auto& handle : fs.files.take_all()) close_file(fs, *handle);
  for (const auto& handle : fs.dirs.take_all()) fs.ops.closedir(fs.volume, handle->dir);
}

void forget(FileSystem& fs, uint64_t ino, uint64_t lookups) {
  if (fs.view.forget(ino, lookups) && fs.ops.forget != nullptr) fs.ops.forget(fs.volume, ino);
}

}  // namespace fastmeta::host
