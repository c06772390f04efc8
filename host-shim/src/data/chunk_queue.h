// SPDX-License-Identifier: GPL-3.0-or-later
// The uncommitted slices of one chunk, in the order in which they were begun:
// a later one covers an earlier one, and they are committed in this order.
// Guarded by the file's mutex.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "data/open_slice.h"

namespace fastmeta::host {

class ChunkQueue {
 public:
  using SlicePtr = std::shared_ptr<OpenSlice>;

  bool empty() const { return slices_.empty(); }
  const SlicePtr& head() const { return slices_.front(); }
  void push(SlicePtr slice) { slices_.push_back(std::move(slice)); }
  void pop() { slices_.pop_front(); }
  const std::deque<SlicePtr>& slices() const { return slices_; }

  // The slice that [pos, pos + n) can be added to without changing what a later
  // slice covers, or null.
  SlicePtr target(uint32_t pos, uint32_t n) const;
  // The oldest that is not finished when there are too many, or null.
  SlicePtr surplus() const;

  enum class Cover { kNone, kHeld, kMixed };
  // kNone: nothing of [pos, pos + n) is here. kHeld: all of it is in *holder and
  // no later slice covers any of it. kMixed: anything else.
  Cover cover(uint32_t pos, uint32_t n, const OpenSlice** holder) const;

  bool announced = false;  // in its file's list of chunks to commit

 private:
  std::deque<SlicePtr> slices_;
};

}  // namespace fastmeta::host
