// SPDX-License-Identifier: GPL-3.0-or-later
// The volume's counters and the statistics of directories, kept in step with
// the changes that cause them.
#pragma once

#include "model/mutations.h"
#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

// INCRBY of usedSpace, also by 0, and of totalInodes.
void add_space(const View& seen, Mutations& out, int64_t delta);
void add_inodes(const View& seen, Mutations& out, int64_t delta);

// An entry for the node came to the directory (sign 1) or left it (-1).
void count_entry(const View& seen, Mutations& out, Ino dir, const Attr& node, int sign);

// The length of a file changed: every directory that names it is told, once per
// name. A file without a name counts nowhere. Needs p{ino} of a hard-linked
// file.
Result<void> count_length_change(const View& seen, Mutations& out, Ino ino, const Attr& attr,
                                 uint64_t old_length);

// The directory's rows of statistics, for a new one (all 0).
void zero_dir_stats(const View& seen, Mutations& out, Ino dir);

// SET i{ino}.
void put_attr(const View& seen, Mutations& out, Ino ino, const Attr& attr);

// ctime of a node that changed. It never goes back: of a change that reaches the
// server late the standard gc would think that it is an old leftover.
void touch_ctime(Attr& attr, Timestamp now);

// Sets the times of a directory whose entries change. Unless `forced`, times
// younger than the volume's step are left alone, so that a burst of creations
// does not write the parent each time; false then. mtime never goes back.
bool touch_dir(const VolumeFacts& facts, Attr& dir, Timestamp now, bool forced);

// The times after a change of contents. mtime is made different from the stored
// one: other clients keep their pages as long as it is equal.
void touch_content(Attr& attr, Timestamp mtime, Timestamp now);

}  // namespace fastmeta::model
