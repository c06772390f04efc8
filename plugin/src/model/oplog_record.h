// SPDX-License-Identifier: GPL-3.0-or-later
// One acknowledged change that the server may not have yet. The logical part (the
// operation) is what is replayed; the physical part (writes) serves undo, inspection
// and export. Bytes: doc/oplog.md; they carry a version and a checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/operation.h"
#include "model/read_key.h"
#include "util/result.h"

namespace fastmeta::model {

// One read of the rule, and what its answer has to be again for the change to be
// the one that was acknowledged.
struct Reliance {
  enum class Expect : uint8_t {
    kNothing = 0,  // read, but any answer will do if the rule accepts it
    kAbsent = 1,   // no such entry, inode or xattr
    kEntry = 2,    // an entry of this inode
    kInode = 3,    // an inode of this type
    kEmpty = 4,    // a directory without entries
  };
  ReadKey read;
  Expect expect = Expect::kNothing;
  uint64_t value = 0;  // kEntry: the inode; kInode: the type
};
// What the answer to `read` says to rely on.
Reliance relied_on(const KeySpace& keys, const ReadKey& read, const RawValue& answer);
// Does the answer meet it? Bytes that break the schema do not.
bool still_holds(const Reliance& reliance, const RawValue& answer);

// A lock under which the change was acknowledged: "lockf5" or "lockp5".
struct LockGuard {
  uint64_t session = 0;
  std::string key;
};

struct OplogRecord {
  uint64_t seq = 0;
  Timestamp time;             // of the acknowledgement
  Operation operation;
  std::vector<Reliance> relied;
  std::vector<Write> writes;  // that were made locally, in order
  int64_t used_space = 0, used_inodes = 0;  // what it adds to the volume's counters
  std::vector<LockGuard> locks;
  std::vector<SliceRecord> copied;  // copy_file_range: CopyRangeReply::pieces
  Timestamp base_mtime;       // content: of the file before
  bool staged = false;        // write_slice: its data may not be where others read it yet
  // The file had no name any more, it was only open: if it is gone when the record is sent,
  // the change went with it.
  bool nameless = false;
  // Of the caller; those of version 1 know uid and gid only where the operation has them.
  uint32_t uid = 0, gid = 0;
  uint32_t pid = 0;           // 0: unknown
};

// The same change of the file that has the number `to`: operation and reliance. What was
// written is still that of `from`.
void renumber(const KeySpace& keys, OplogRecord& record, Ino from, Ino to);

std::string encode_record(const OplogRecord& record);
// kCorrupt: what is wrong and at which offset.
Result<OplogRecord> decode_record(std::string_view bytes);

}  // namespace fastmeta::model
