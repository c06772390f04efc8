// SPDX-License-Identifier: GPL-3.0-or-later
// The nouns of the file system: inode numbers, attributes, entries, slices.
#pragma once

#include <cstdint>
#include <string>

#include "util/clock.h"

namespace fastmeta::model {

using Ino = uint64_t;

inline constexpr Ino kRootIno = 1;
// Inodes from here on are virtual (".trash", ".stats" …) or trash.
inline constexpr Ino kVirtualInoFirst = 0x7FFFFFFF00000000;
inline constexpr Ino kTrashIno = 0x7FFFFFFF10000000;
inline bool is_trash(Ino ino) { return ino >= kTrashIno; }

inline constexpr uint64_t kChunkBytes = uint64_t{1} << 26;
inline constexpr uint64_t kFileLengthLimit = uint64_t{1} << 57;  // first length refused
inline constexpr size_t kNameMax = 255;
inline constexpr size_t kSymlinkMax = 4096;
inline constexpr uint64_t kDirLength = 4096;

// The space that a length is charged: 4 KiB steps, an empty file costs one.
constexpr uint64_t charged_space(uint64_t length) {
  return length == 0 ? 4096 : (length + 4095) / 4096 * 4096;
}

enum class FileType : uint8_t {
  kFile = 1,
  kDirectory = 2,
  kSymlink = 3,
  kFifo = 4,
  kBlockDevice = 5,
  kCharDevice = 6,
  kSocket = 7,
};
inline bool valid_type(uint8_t t) { return t >= 1 && t <= 7; }

enum AttrFlag : uint8_t {
  kImmutable = 0x01,
  kAppendOnly = 0x02,
  kSkipTrash = 0x20,
};

struct Attr {
  uint8_t flags = 0;  // AttrFlag and bits that we only preserve
  FileType type = FileType::kFile;
  uint16_t perm = 0;  // 07777
  uint32_t uid = 0;
  uint32_t gid = 0;
  Timestamp atime, mtime, ctime;
  uint32_t nlink = 1;
  uint64_t length = 0;
  uint32_t rdev = 0;
  Ino parent = 0;  // 0: hard-linked, the parents are in p{ino}
  uint32_t access_acl = 0;
  uint32_t default_acl = 0;
  uint8_t tier = 0;
  std::string unknown_tail;  // bytes behind what we understand, kept on rewrite
  bool acl_before_tail = false;  // unknown_tail stands behind ACL ids, even if they are 0

  bool operator==(const Attr&) const = default;
  bool is_dir() const { return type == FileType::kDirectory; }
  bool is_file() const { return type == FileType::kFile; }
};

// What a directory entry's value says.
struct Dentry {
  FileType type = FileType::kFile;
  Ino ino = 0;
  bool operator==(const Dentry&) const = default;
};

// One record of a chunk's list, as stored: see read_slices for its meaning.
struct SliceRecord {
  uint32_t pos = 0;   // in the chunk
  uint64_t id = 0;    // 0: zeros
  uint32_t size = 0;  // of the slice's objects
  uint32_t off = 0;   // of the used range in the slice
  uint32_t len = 0;   // of the used range
  bool operator==(const SliceRecord&) const = default;
};

// Who asks; rwx permissions were checked by the kernel.
struct Caller {
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t umask = 0;
  uint32_t pid = 0;  // 0: unknown; rules do not look at it
};

}  // namespace fastmeta::model
