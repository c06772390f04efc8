// SPDX-License-Identifier: GPL-3.0-or-later
// What follows for an inode when one of its names is removed or overwritten.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/mutations.h"
#include "model/rules/names.h"
#include "model/types.h"
#include "model/view.h"

namespace fastmeta::model {

struct LostName {
  Ino parent = 0;
  std::string_view name;
  Dentry entry;
  Ino trash = 0;  // the hour directory that takes it, 0: none
  Timestamp now;
  Timestamp applied_at;  // when the server learns of it
};

// Reads of the keys that may be deleted with the inode; to be asked for in the
// same round as its attr when the trash does not take it.
void add_removal_reads(const View& seen, const Dentry& entry, std::vector<ReadKey>& reads);

// The attr to go on with: an entry whose inode is missing can be removed like
// one without further names, and the trash does not take it.
Attr attr_or_broken(const std::optional<Attr>& attr, LostName& lost);

// The reads that are known once the attr is.
Result<void> need_for_loss(const View& seen, const LostName& lost, const Attr& attr);

// Writes the inode's change (not the entry's, nor the parent's) and counts the
// entry out of its directory. attr becomes what it is afterwards.
Fate lose_name(const View& seen, const LostName& lost, Attr& attr, Mutations& out);

}  // namespace fastmeta::model
