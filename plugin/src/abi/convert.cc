// SPDX-License-Identifier: GPL-3.0-or-later
#include "abi/convert.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace fastmeta::abi {

using model::FileType;

namespace {

// The caller as far as the host filled it in.
mdp_caller known_caller(const mdp_caller* who) {
  mdp_caller copy{};
  if (who) std::memcpy(&copy, who, std::min<size_t>(who->struct_size, sizeof copy));
  return copy;
}

uint32_t millis(std::chrono::milliseconds d) {
  return static_cast<uint32_t>(std::clamp<int64_t>(d.count(), 0, UINT32_MAX));
}

}  // namespace

model::Caller to_caller(const mdp_caller* who) {
  const mdp_caller c = known_caller(who);
  return {c.uid, c.gid, c.umask, c.pid};
}

engine::Interrupt to_interrupt(const mdp_caller* who) {
  const mdp_caller c = known_caller(who);
  if (!c.interrupted) return {};
  return {[c] { return c.interrupted(c.interrupted_ctx) != 0; }};
}

uint32_t type_bits(FileType type) {
  switch (type) {
    case FileType::kFile: return S_IFREG;
    case FileType::kDirectory: return S_IFDIR;
    case FileType::kSymlink: return S_IFLNK;
    case FileType::kFifo: return S_IFIFO;
    case FileType::kBlockDevice: return S_IFBLK;
    case FileType::kCharDevice: return S_IFCHR;
    case FileType::kSocket: return S_IFSOCK;
  }
  return 0;
}

std::optional<FileType> to_type(uint32_t mode) {
  switch (mode & S_IFMT) {
    case 0:
    case S_IFREG: return FileType::kFile;
    case S_IFDIR: return FileType::kDirectory;
    case S_IFLNK: return FileType::kSymlink;
    case S_IFIFO: return FileType::kFifo;
    case S_IFBLK: return FileType::kBlockDevice;
    case S_IFCHR: return FileType::kCharDevice;
    case S_IFSOCK: return FileType::kSocket;
    default: return std::nullopt;
  }
}

mdp_attr to_c(model::Ino ino, const model::Attr& attr) {
  mdp_attr out{};
  out.ino = ino;
  out.length = attr.length;
  out.atime = attr.atime.sec;
  out.mtime = attr.mtime.sec;
  out.ctime = attr.ctime.sec;
  out.atime_nsec = attr.atime.nsec;
  out.mtime_nsec = attr.mtime.nsec;
  out.ctime_nsec = attr.ctime.nsec;
  out.mode = type_bits(attr.type) | attr.perm;
  out.uid = attr.uid;
  out.gid = attr.gid;
  out.nlink = attr.nlink;
  out.rdev = attr.rdev;
  out.flags = attr.flags;
  return out;
}

mdp_entry to_c(const engine::EntryReply& reply) {
  mdp_entry out{};
  if (reply.ino != 0) out.attr = to_c(reply.ino, reply.attr);
  out.entry_valid_ms = millis(reply.entry_valid);
  out.attr_valid_ms = millis(reply.attr_valid);
  return out;
}

mdp_slice to_c(const model::SliceRecord& piece) {
  return {piece.id, piece.pos, piece.size, piece.off, piece.len};
}

model::SliceRecord from_c(const mdp_slice& slice) {
  return {slice.pos, slice.id, slice.size, slice.off, slice.len};
}

int put_text(std::string_view text, char* out, size_t cap) {
  if (text.size() >= cap) return -ERANGE;
  std::memcpy(out, text.data(), text.size());
  out[text.size()] = '\0';
  return 0;
}

int put_bytes(std::string_view bytes, void* out, size_t cap, size_t* size) {
  if (cap > 0) {
    if (bytes.size() > cap) return -ERANGE;
    std::memcpy(out, bytes.data(), bytes.size());
  }
  *size = bytes.size();
  return 0;
}

}  // namespace fastmeta::abi
