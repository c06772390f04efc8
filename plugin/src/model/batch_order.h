// SPDX-License-Identifier: GPL-3.0-or-later
// Which records may be sent while some before them have to wait. Slices wait for their
// data; what does not depend on them need not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/key_use.h"
#include "model/oplog_record.h"

namespace fastmeta::model {

struct BatchItem {
  const OplogRecord* record = nullptr;
  std::vector<KeyUse> uses;  // key_uses() of it
  bool waiting = false;      // must not be sent yet
};

// A close or fsync of a file: it covers the file's records up to `seq`, the last number
// that was given then.
struct SequencePoint {
  Ino ino = 0;  // 0: of all files
  uint64_t seq = 0;
};

enum class Order : uint8_t {
  kPerKey,  // a record only follows those it shares a key with
  kCausal,  // and what was acknowledged after a close or fsync follows what that covers
};

// Indexes of those that may be sent now, ascending. Items are in seq order, points in
// the order of their seq.
std::vector<size_t> sendable(const std::vector<BatchItem>& items,
                             const std::vector<SequencePoint>& points, Order order);

}  // namespace fastmeta::model
