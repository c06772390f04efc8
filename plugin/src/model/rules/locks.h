// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of flock and POSIX locks, kept in Redis so that all clients share them.
// See names.h for what a rule is. They need a session (facts().session != 0,
// else ENOLCK). EAGAIN: held by another.
#pragma once

#include <cstdint>

#include "model/mutations.h"
#include "model/schema/codec.h"
#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

enum class LockType : uint32_t { kRead = 0, kWrite = 1, kNone = 2 };

Result<void> flock(const View& seen, Ino ino, uint64_t owner, LockType type, Mutations& out);

// Sets, converts or (type 2) clears [range.start, range.end].
Result<void> set_plock(const View& seen, Ino ino, uint64_t owner, const LockRange& range,
                       Mutations& out);

// The first range that stands in the way of `range`, type 2 (none) when there is
// none; its pid is 0 when the holder is another session.
Result<LockRange> get_plock(const View& seen, Ino ino, uint64_t owner, const LockRange& range);

}  // namespace fastmeta::model
