// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of operations on names. Each is a pure function: it reads through the
// view, decides, and writes what has to change into `out`; run twice with the
// same view and arguments it gives the same result. Errors with kAnswer are the
// operation's errno; the order of the checks is part of the rule (doc/schema.md).
// A rule that fails leaves `out` in no particular state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/mutations.h"
#include "model/types.h"
#include "model/view.h"
#include "util/clock.h"
#include "util/result.h"

namespace fastmeta::model {

struct Found {
  Ino ino = 0;
  Attr attr;
};

// ENOENT when there is no such name. An entry whose inode is missing is
// answered with an attr of the entry's type, mode 0. "." and ".." are answered
// (".." of the root is the root).
struct LookupArgs {
  Ino parent = 0;
  std::string name;
};
Result<Found> lookup(const View& seen, const LookupArgs& want);

// What a caller of open wants of a file, where the name may be a file by the time that its
// creation reaches the server. Bits; numbers are stored.
enum OpenFor : uint8_t {
  kOpenThere = 1,  // O_CREAT without O_EXCL: a regular file that is there will do
  kOpenRead = 2,
  kOpenWrite = 4,
  kOpenAppend = 8,
  kOpenTruncate = 16,
};
inline constexpr uint8_t kOpenForAll = 31;

// mknod, create, mkdir and symlink are one rule.
struct CreateArgs {
  Caller who;
  Timestamp now;
  Ino parent = 0;
  std::string name;
  FileType type = FileType::kFile;
  uint16_t mode = 0;       // 07777, before the umask
  uint32_t rdev = 0;
  std::string target;      // symlink
  Ino ino = 0;             // drawn by the caller; it must never have been used
  // ctime of the new node when it reaches the server later than `now`; never stored.
  std::optional<Timestamp> applied_at = {};
  uint8_t open_for = 0;    // OpenFor; 0: whatever has got the name is in the way
};
struct CreateReply {
  Ino ino = 0;
  Attr attr;
  bool existed = false;  // EEXIST was found for a file or directory: ino and attr are of
                         // that one, nothing is to be written
};
Result<CreateReply> create(const View& seen, const CreateArgs& want, Mutations& out);

struct LinkArgs {
  Caller who;
  Timestamp now;
  Ino ino = 0;
  Ino parent = 0;
  std::string name;
};
Result<Found> link(const View& seen, const LinkArgs& want, Mutations& out);

// What became of an inode that lost a name.
enum class Fate : uint8_t {
  kNone,       // nothing lost a name
  kTrashed,
  kStillLinked,
  kSustained,  // no name left, open here
  kDeleted,
};
struct UnlinkArgs {
  Caller who;
  Timestamp now;
  Ino parent = 0;
  std::string name;
  Ino trash = 0;  // inode of the current hour's directory; 0: delete (trash off)
  // ctime of what goes, and score in delfiles, if later than `now`; never stored.
  std::optional<Timestamp> applied_at = {};
};
struct UnlinkReply {
  Ino ino = 0;
  Attr attr;  // as it is afterwards
  Fate fate = Fate::kNone;
};
Result<UnlinkReply> unlink(const View& seen, const UnlinkArgs& want, Mutations& out);
Result<UnlinkReply> rmdir(const View& seen, const UnlinkArgs& want, Mutations& out);

enum RenameFlags : uint32_t { kRenameNoReplace = 1, kRenameExchange = 2 };
struct RenameArgs {
  Caller who;
  Timestamp now;
  Ino parent = 0;
  std::string name;
  Ino new_parent = 0;
  std::string new_name;
  uint32_t flags = 0;
  Ino trash = 0;  // for the node that is replaced
  std::optional<Timestamp> applied_at = {};  // for it, as in UnlinkArgs
};
struct RenameReply {
  Ino ino = 0;   // what was moved
  Attr attr;
  Ino other = 0; // what was replaced or exchanged, 0: nothing
  Fate other_fate = Fate::kNone;
};
// Moving a directory reads every ancestor of the target up to the root, at most
// kAncestorsMax; a loop or a longer chain is ELOOP.
inline constexpr int kAncestorsMax = 4096;
Result<RenameReply> rename(const View& seen, const RenameArgs& want, Mutations& out);

// The current hour's trash directory, created when it is not there. `ino` is a
// fresh number (kTrashIno + a draw of nextTrash), used only when `created`.
struct TrashHourArgs {
  Timestamp now;
  Ino ino = 0;  // 0: only look; ENOENT when it has to be created
};
struct TrashHourReply {
  Ino ino = 0;
  bool created = false;
};
Result<TrashHourReply> trash_hour(const View& seen, const TrashHourArgs& want, Mutations& out);

// Checks that need no stored state; every rule above makes them first itself.
Result<void> check_new_name(std::string_view name);

}  // namespace fastmeta::model
