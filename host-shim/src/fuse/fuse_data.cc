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
  const mdp_caller who = mortal_caller(req);
  // Not zeroed: all that is sent has been read.
  const std::unique_ptr<char[]> buffer(new char[size]);
  size_t got = 0;
  const int rc = handle_of(fi).data->read(who, static_cast<uint64_t>(off), buffer.get(), size,
                                          &got);
  if (rc != 0) return reply_result(req, rc);
  fuse_reply_buf(req, buffer.get(), got);
}

// The end of the file, of what is buffered here too.
int file_end(FileSystem& fs, const mdp_caller& who, const FileHandle& handle, uint64_t* end) {
  const Overlay overlay(handle.data);
  mdp_entry entry{};
  const int rc = fs.ops.getattr(fs.volume, &who, handle.ino, &entry);
  if (rc != 0) return rc;
  overlay.apply(&entry.attr);
  *end = entry.attr.length;
  return 0;
}

// The kernel appends where it remembers the end and asks for nothing before, so an
// append goes to where the end is. It lets one append after the other in.
void on_write(fuse_req_t req, fuse_ino_t ino, const char* bytes, size_t size, off_t off,
              fuse_file_info* fi) {
  FileSystem& fs = fs_of(req);
  FileHandle& handle = handle_of(fi);
  const mdp_caller who = mortal_caller(req);
  const auto asked = static_cast<uint64_t>(off);
  uint64_t at = asked;
  // What comes from the page cache later was written by a mapping, in its place.
  if ((fi->flags & O_APPEND) != 0 && !fi->writepage) {
    if (const int rc = file_end(fs, who, handle, &at); rc != 0) return reply_result(req, rc);
  }
  if (fi->writepage) {
    ++fs.mapped_writes;
    ++fs.mapped_writes_now;
  }
  // The kernel sends pages through whatever handle can write: what failed before is told to
  // who calls, and the pages are stored.
  Heard* const told = fi->writepage ? nullptr : &handle.heard;
  const int rc = handle.data->write(who, told, at, bytes, size);
  if (fi->writepage) --fs.mapped_writes_now;
  if (rc != 0) return reply_result(req, rc);
  if (at != asked) fs.view.misplaced(ino);
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
  if (data.dirty()) data.drain(who);
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
