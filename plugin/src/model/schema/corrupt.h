// SPDX-License-Identifier: GPL-3.0-or-later
// The one way in which decoders complain.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "util/result.h"

namespace fastmeta::model {

inline Error corrupt_at(size_t offset, std::string_view what) {
  return {Fault::kCorrupt, EIO, "offset " + std::to_string(offset) + ": " + std::string(what)};
}

// A value that had to have one length and has another. The offset is where the
// bytes end, or where the surplus begins.
inline Error wrong_length(size_t have, size_t wanted) {
  return corrupt_at(have < wanted ? have : wanted, std::to_string(have) + " bytes instead of " +
                                                       std::to_string(wanted));
}

}  // namespace fastmeta::model
