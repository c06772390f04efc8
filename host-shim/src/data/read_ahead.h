// SPDX-License-Identifier: GPL-3.0-or-later
// Finds sequential readers among the reads of one file, and how far to read
// ahead of them. Not locked by itself.
#pragma once

#include <array>
#include <cstdint>

namespace fastmeta::host {

class ReadAhead {
 public:
  explicit ReadAhead(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  struct Range {
    uint64_t off = 0;
    uint64_t len = 0;  // 0: nothing to do
  };
  // After a read of [off, off + n) of a file of `length` bytes: what to load now.
  Range observe(uint64_t off, uint64_t n, uint64_t length);
  void reset() { streams_ = {}; }

 private:
  struct Stream {
    uint64_t next = 0;   // where the next read is expected
    uint64_t ahead = 0;  // loading was begun up to here
    uint64_t seen = 0;   // bytes read in sequence
    uint64_t used = 0;   // the clock_ of the last read
  };

  uint64_t bytes_max_;
  uint64_t clock_ = 0;
  std::array<Stream, 4> streams_{};
};

}  // namespace fastmeta::host
