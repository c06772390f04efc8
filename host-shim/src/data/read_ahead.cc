// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/read_ahead.h"

#include <algorithm>

namespace fastmeta::host {
namespace {

// The kernel sends the reads of one reader in parallel, so they arrive a little
// out of order.
constexpr uint64_t kDisorderBytes = 1u << 20;

}  // namespace

ReadAhead::Range ReadAhead::observe(uint64_t off, uint64_t n, uint64_t length) {
  const uint64_t end = off + n;
  ++clock_;
  Stream* oldest = streams_.data();
  for (Stream& stream : streams_) {
    if (stream.used < oldest->used) oldest = &stream;
    const uint64_t distance = off > stream.next ? off - stream.next : stream.next - off;
    if (stream.used == 0 || distance > kDisorderBytes) continue;
    stream.used = clock_;
    stream.next = std::max(stream.next, end);
    stream.seen += n;
    // The longer it reads in sequence, the further ahead, so that a short read
    // of a large file does not load megabytes.
    const uint64_t window = std::min(bytes_max_, stream.seen * 2);
    const uint64_t target = std::min(length, stream.next + window);
    stream.ahead = std::max(stream.ahead, stream.next);
    if (target <= stream.ahead) return {};
    if (target - stream.ahead < window / 2 && target != length) return {};
    const Range range{stream.ahead, target - stream.ahead};
    stream.ahead = target;
    return range;
  }
  *oldest = Stream{end, end, n, clock_};
  return {};
}

}  // namespace fastmeta::host
