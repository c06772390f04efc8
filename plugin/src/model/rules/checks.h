// SPDX-License-Identifier: GPL-3.0-or-later
// Checks that several rules share.
#pragma once

#include <cerrno>
#include <string_view>

#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

inline Error answer(int code) { return Error::answer(code); }

// Names that the standard client serves itself in the root directory. They are
// never stored.
bool is_virtual_name(Ino parent, std::string_view name);

// A name that is to appear: its length, the virtual names (answered with
// `virtual_code`), the trash, then its bytes.
Result<void> check_appearing(Ino parent, std::string_view name, int virtual_code);

// A name that is to disappear: its length, the virtual names, and the trash,
// which only root empties.
Result<void> check_disappearing(const Caller& who, Ino parent, std::string_view name);

// Directories and files that were moved to the trash are known by their parent,
// an hour directory. The hour directories themselves are not meant.
inline bool is_trashed(const Attr& attr) { return attr.parent > kTrashIno; }

inline bool is_immutable(const Attr& attr) { return (attr.flags & kImmutable) != 0; }
inline bool is_fixed(const Attr& attr) { return (attr.flags & (kImmutable | kAppendOnly)) != 0; }

// May `who` not remove or rename `node` in `dir` because of the sticky bit?
inline bool sticky_forbids(const Caller& who, const Attr& dir, const Attr& node) {
  return who.uid != 0 && (dir.perm & 01000) != 0 && who.uid != dir.uid && who.uid != node.uid;
}

// ENOSPC when the volume's limits do not admit the growth. What does not grow
// is always admitted.
Result<void> check_limits(const VolumeFacts& facts, int64_t space, int64_t inodes);

// The attr of an entry whose inode is missing: visible, of the entry's type,
// without permissions.
Attr broken_attr(Ino parent, FileType type);

// For inodes about to be created: an inode that is there already means that the
// counter of inode numbers went back. Overwriting it would lose a file.
Result<void> check_unused(const View& seen, Ino ino);

}  // namespace fastmeta::model
