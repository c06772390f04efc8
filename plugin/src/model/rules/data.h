// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of file contents: opening, slices, length. See names.h for what a rule is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/mutations.h"
#include "model/overlay.h"
#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

struct OpenArgs {
  Caller who;
  Ino ino = 0;
  bool write = false;
  bool append = false;    // O_APPEND
  bool truncate = false;  // O_TRUNC
  bool read = false;      // for may_open only: the kernel asks for permissions elsewhere
};
Result<Attr> open(const View& seen, const OpenArgs& want);
// Would the file's mode let the caller open it so? By its uid and gid alone: other groups of
// the caller are not known.
bool may_open(const Attr& attr, const OpenArgs& want);

// After the last close of an inode that lost its last name while open here. No
// writes when the inode is gone already.
struct LastCloseArgs {
  Timestamp now;
  Ino ino = 0;
  std::optional<Timestamp> applied_at = {};  // score in delfiles, if later than `now`; never stored
};
Result<void> last_close(const View& seen, const LastCloseArgs& want, Mutations& out);

struct WriteSliceArgs {
  Timestamp now;    // ctime
  Timestamp mtime;  // of the write call
  Ino ino = 0;
  uint32_t chunk = 0;
  SliceRecord slice;
};
// mtime always ends up different from the stored one: 1 ns is added if need be.
Result<Attr> write_slice(const View& seen, const WriteSliceArgs& want, Mutations& out);

// The visible pieces of a chunk; `records` is the length of the list.
struct ReadSlicesReply {
  std::vector<SliceRecord> pieces;
  uint32_t records = 0;
};
Result<ReadSlicesReply> read_slices(const View& seen, Ino ino, uint32_t chunk);

struct TruncateArgs {
  Caller who;
  Timestamp now;
  Ino ino = 0;
  uint64_t length = 0;
};
Result<Attr> truncate(const View& seen, const TruncateArgs& want, Mutations& out);

enum FallocateMode : uint32_t {
  kFallocKeepSize = 0x01,
  kFallocPunchHole = 0x02,
  kFallocCollapse = 0x08,
  kFallocZeroRange = 0x10,
  kFallocInsert = 0x20,
};
struct FallocateArgs {
  Caller who;
  Timestamp now;
  Ino ino = 0;
  uint32_t mode = 0;
  uint64_t off = 0;
  uint64_t len = 0;
};
Result<Attr> fallocate(const View& seen, const FallocateArgs& want, Mutations& out);

struct CopyRangeArgs {
  Caller who;
  Timestamp now;
  Ino from = 0;
  uint64_t from_off = 0;
  Ino to = 0;
  uint64_t to_off = 0;
  uint64_t len = 0;
  uint32_t flags = 0;
};
struct CopyRangeReply {
  uint64_t copied = 0;
  Attr to_attr;
  std::vector<SliceRecord> pieces = {};  // what was copied, in file order; their pos means nothing
};
// `pieces`: copies exactly these instead of what the source holds now, as long as it still
// refers to their slices; else what it holds now. EINVAL when they do not fit the arguments.
Result<CopyRangeReply> copy_file_range(const View& seen, const CopyRangeArgs& want,
                                       Mutations& out,
                                       const std::vector<SliceRecord>* pieces = nullptr);

// Replaces the first `plan.records` records by the skipped ones and the merged
// slice `id`. EAGAIN when the list no longer begins with `expected`.
struct CompactArgs {
  Timestamp now;
  Ino ino = 0;
  uint32_t chunk = 0;
  CompactionPlan plan;
  std::vector<SliceRecord> expected;  // the plan.records records that were looked at
  uint64_t id = 0;
  bool trash = false;  // delay the release of the replaced slices
};
Result<void> compact(const View& seen, const CompactArgs& want, Mutations& out);

// One reference less; whoever takes the last one deletes the objects. Until then the count, which
// is negative, tells every client that they are to go.
void release(const KeySpace& keys, const SliceRecord& record, Mutations& out);

// Drops one chunk's list of an inode that is gone, releasing its slices. No
// writes when the list is empty.
Result<void> delete_chunk(const View& seen, Ino ino, uint32_t chunk, Mutations& out);

}  // namespace fastmeta::model
