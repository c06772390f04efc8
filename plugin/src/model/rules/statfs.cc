// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/rules/attrs.h"

namespace fastmeta::model {

namespace {

uint64_t at_least_zero(int64_t n) { return static_cast<uint64_t>(std::max<int64_t>(n, 0)); }

// An unlimited volume shows 1 PiB, doubled until at most 80 % are in use.
uint64_t shown_total(uint64_t used) {
  uint64_t total = uint64_t{1} << 50;
  while (used > total - (total + 4) / 5 && total < uint64_t{1} << 63) total *= 2;
  return total;
}

uint64_t shown_free_inodes(uint64_t used) {
  uint64_t free = uint64_t{10} << 20;
  while (used / 4 > free || (used / 4 == free && used % 4 != 0)) free *= 2;
  return free;
}

}  // namespace

SpaceReply statfs(const VolumeFacts& facts) {
  const uint64_t used = at_least_zero(facts.used_space);
  SpaceReply reply;
  reply.total_bytes = facts.capacity != 0 ? std::max(facts.capacity, used) : shown_total(used);
  reply.avail_bytes = reply.total_bytes - used;
  reply.used_inodes = at_least_zero(facts.used_inodes);
  if (facts.inode_limit == 0) {
    reply.avail_inodes = shown_free_inodes(reply.used_inodes);
  } else if (facts.inode_limit > reply.used_inodes) {
    reply.avail_inodes = facts.inode_limit - reply.used_inodes;
  }
  return reply;
}

}  // namespace fastmeta::model
