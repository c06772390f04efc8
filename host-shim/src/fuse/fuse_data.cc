// SPDX-License-Identifier: GPL-3.0-or-later
// The bytes of files: read, write, fallocate, copy_file_range, lseek.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "fuse/file_system.h"
#include "fuse/handlers.h"
#include "fuse/seek.h"

namespace fastmeta::host {
namespace {

void on_read(fuse_req_t req, fuse_ino_t, size_t size, off_t off, fuse_file_info* fi) {
  const mdp_caller who = caller_of(req);
  // Not zeroed: all that is sent has been read.
  const std::unique_ptr<char[]> buffer(new char[size]);
  size_t got = 0;
  const int rc = handle_of(fi).data->read(who, static_cast<uint64_t>(off), buffer.get(), size,
                                          &got);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_buf(req, buffer.get(), got);
}

// A write that goes past the page cache does not make the kernel clear setuid and
// setgid as others do.
int clear_setuid(FileSystem& fs, const mdp_caller& who, const mdp_attr& attr) {
  const bool set = (attr.mode & S_ISUID) != 0 ||
                   ((attr.mode & S_ISGID) != 0 && (attr.mode & S_IXGRP) != 0);
  if (!set || who.uid == 0 || fs.ops.setattr == nullptr) return 0;
  mdp_setattr kill{};
  kill.struct_size = sizeof kill;
  kill.set = MDP_SET_KILL_SUID;
  mdp_entry entry{};
  const int rc = fs.ops.setattr(fs.volume, &who, attr.ino, &kill, &entry);
  if (rc == 0) fs.port.expire_inode(attr.ino, false);
  return rc;
}

// Before an append: *end is the end of the file, of what is buffered here too.
int prepare_append(FileSystem& fs, const mdp_caller& who, const FileHandle& handle,
                   uint64_t* end) {
  const Overlay overlay(handle.data);
  mdp_entry entry{};
  const int rc = fs.ops.getattr(fs.volume, &who, handle.ino, &entry);
  if (rc != 0) return rc;
  overlay.apply(&entry.attr);
  *end = entry.attr.length;
  return clear_setuid(fs, who, entry.attr);
}

void on_write(fuse_req_t req, fuse_ino_t, const char* bytes, size_t size, off_t off,
              fuse_file_info* fi) {
  FileHandle& handle = handle_of(fi);
  const mdp_caller who = caller_of(req);
  auto at = static_cast<uint64_t>(off);
  // The kernel lets one append after the other in, so the end stays the end.
  if (handle.append && (fi->flags & O_APPEND) != 0) {
    if (const int rc = prepare_append(fs_of(req), who, handle, &at); rc != 0) {
      return reply_result(req, rc);
    }
  }
  const int rc = handle.data->write(who, at, bytes, size);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_write(req, size);
}

void on_fallocate(fuse_req_t req, fuse_ino_t, int mode, off_t off, off_t len,
                  fuse_file_info* fi) {
  const mdp_caller who = caller_of(req);
  const auto at = static_cast<uint64_t>(off);
  const auto size = static_cast<uint64_t>(len);
  mdp_attr after{};
  const int rc =
      handle_of(fi).data->fallocate(who, static_cast<uint32_t>(mode), at, size, &after);
  reply_result(req, rc);
}

void on_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_off, fuse_file_info*,
                        fuse_ino_t to, off_t to_off, fuse_file_info*, size_t len, int flags) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  uint64_t copied = 0;
  mdp_attr after{};
  const int rc = fs.data.copy_file_range(who, from, static_cast<uint64_t>(from_off), to,
                                         static_cast<uint64_t>(to_off), len,
                                         static_cast<uint32_t>(flags), &copied, &after);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_write(req, copied);
}

void on_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  const mdp_caller who = caller_of(req);
  FileData& data = *handle_of(fi).data;
  // What is only buffered is in no slice list.
  if (data.dirty()) {
    if (const int rc = data.flush(who); rc != 0) return reply_result(req, rc);
  }
  mdp_entry entry{};
  if (const int rc = fs.ops.getattr(fs.volume, &who, ino, &entry); rc != 0) {
    return reply_result(req, rc);
  }
  const ChunkReader chunk = [&](uint32_t index, std::vector<mdp_slice>* pieces) {
    return read_pieces(fs.ops, fs.volume, who, ino, index, pieces);
  };
  const auto interrupted = [&] { return fuse_req_interrupted(req) != 0; };
  uint64_t found = 0;
  const int rc = seek_file(chunk, entry.attr.length, static_cast<uint64_t>(off),
                           whence == SEEK_HOLE, interrupted, &found);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_lseek(req, static_cast<off_t>(found));
}

}  // namespace

void add_data_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out) {
  out->read = on_read;
  if (ops.write_slice != nullptr && ops.new_slice != nullptr) out->write = on_write;
  if (ops.fallocate != nullptr) out->fallocate = on_fallocate;
  if (ops.copy_file_range != nullptr) out->copy_file_range = on_copy_file_range;
  out->lseek = on_lseek;
}

}  // namespace fastmeta::host
