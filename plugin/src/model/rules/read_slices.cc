// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/checks.h"
#include "model/rules/data.h"

namespace fastmeta::model {

Result<ReadSlicesReply> read_slices(const View& seen, Ino ino, uint32_t chunk) {
  MDP_TRY(auto records, seen.chunk(ino, chunk));
  if (!records.empty())
    return ReadSlicesReply{overlay(records), static_cast<uint32_t>(records.size())};
  MDP_TRY(auto attr, seen.attr(ino));
  if (!attr) return answer(ENOENT);
  if (!attr->is_file()) return answer(EPERM);
  return ReadSlicesReply{};
}

}  // namespace fastmeta::model
