// SPDX-License-Identifier: GPL-3.0-or-later
// A change that somebody asked for, as a value: which rule, with which arguments.
// It can be run by any executor, kept in the oplog and run again elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/mutations.h"
#include "model/rules/attrs.h"
#include "model/rules/data.h"
#include "model/rules/names.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

struct Unlink {
  UnlinkArgs want;
};
struct Rmdir {
  UnlinkArgs want;
};
struct RemoveXattrArgs {
  Ino ino = 0;
  std::string name;
};

// The order is that of OperationKind, which is stored.
using Operation =
    std::variant<CreateArgs, LinkArgs, Unlink, Rmdir, RenameArgs, SetattrArgs, SetXattrArgs,
                 RemoveXattrArgs, WriteSliceArgs, TruncateArgs, FallocateArgs, CopyRangeArgs,
                 LastCloseArgs>;

// Numbers are stored: never reused.
enum class OperationKind : uint8_t {
  kCreate = 1,
  kLink = 2,
  kUnlink = 3,
  kRmdir = 4,
  kRename = 5,
  kSetattr = 6,
  kSetXattr = 7,
  kRemoveXattr = 8,
  kWriteSlice = 9,
  kTruncate = 10,
  kFallocate = 11,
  kCopyRange = 12,
  kLastClose = 13,
};
OperationKind kind_of(const Operation& operation);
const char* name_of(OperationKind kind);  // "create", "write_slice" …

// What the rule answered; the member that belongs to the kind.
using OperationReply = std::variant<std::monostate, CreateReply, Found, UnlinkReply, RenameReply,
                                    Attr, CopyRangeReply>;

// What whoever replays an operation later answers instead of its arguments. Space and
// inodes were granted when it was acknowledged: the view's facts then have no limits.
struct Replay {
  // ctime of new and trashed nodes and the score of delfiles: the standard gc removes
  // inodes that it cannot see and whose ctime is over an hour old.
  // Nothing: the operation's own time.
  std::optional<Timestamp> at;
  // Of the hour of the replay, used where the operation had one; 0: the operation's own.
  Ino trash = 0;
  // copy_file_range: what was copied, see there.
  const std::vector<SliceRecord>* copied = nullptr;
};

// Runs the rule of the operation; see rules/names.h for what a rule is.
Result<OperationReply> apply(const Operation& operation, const View& seen, Mutations& out,
                             const Replay* replay = nullptr);

// The inodes that the arguments name (parents, the new or changed inode): what an
// operation surely concerns. Sorted, without repetition.
std::vector<Ino> inodes_of(const Operation& operation);

// The same change of the inode that has the number `to`. Only of files: no parent changes.
void renumber(Operation& operation, Ino from, Ino to);

// Who asked; nothing for operations that carry nobody.
const Caller* caller_of(const Operation& operation);
// The contents of this file are changed by it; 0: of none.
Ino content_of(const Operation& operation);
// The contents or attributes of this inode are changed by it; 0: it is about names, or a close.
Ino subject_of(const Operation& operation);

}  // namespace fastmeta::model
