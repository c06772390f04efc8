// SPDX-License-Identifier: GPL-3.0-or-later
// Records that need never be sent, because later ones undo or overwrite them.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "model/oplog_record.h"
#include "model/schema/keys.h"

namespace fastmeta::model {

struct CancelOptions {
  bool trash = true;       // of the volume: what is deleted has to show up there
  bool change_log = true;  // somebody follows every change
  // Was the record, by its index, ever written to a socket? Its outcome is unknown then:
  // cancelled, a creation that took effect would come back to life.
  std::function<bool(size_t)> sent;
  std::function<bool(Ino)> open_here;
};

// Indexes, ascending, of records that may be dropped; records are in seq order and are
// all that is pending. These are
//  - a node's creation and its removal, and the setattrs between, if nothing else
//    concerned it and nobody has it open;
//  - a setattr whose every value a later one of the same caller sets, if nothing else
//    concerned the inode between.
// The times of a directory that only cancelled records touched stay as the server has
// them.
std::vector<size_t> cancelled(const KeySpace& keys,
                              const std::vector<const OplogRecord*>& records,
                              const CancelOptions& options);

}  // namespace fastmeta::model
