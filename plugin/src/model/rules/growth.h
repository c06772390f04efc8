// SPDX-License-Identifier: GPL-3.0-or-later
// A file's new length, within the volume's limits.
#pragma once

#include <cstdint>

#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

// Sets the length. The reply is the change of the space that is charged; ENOSPC
// when the volume does not admit it.
Result<int64_t> grow(const View& seen, Attr& attr, uint64_t length);

}  // namespace fastmeta::model
