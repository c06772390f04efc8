// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/batch_order.h"

#include <unordered_set>

namespace fastmeta::model {

std::vector<size_t> sendable(const std::vector<BatchItem>& items,
                             const std::vector<SequencePoint>& points, Order order) {
  std::vector<size_t> chosen;
  KeyUses held;
  std::unordered_set<Ino> held_contents;
  auto point = points.begin();
  bool barrier = false;  // what a close covers is held back: so is all behind it
  auto covers_held = [&](const SequencePoint& close) {
    return close.ino == 0 ? !held_contents.empty() : held_contents.contains(close.ino);
  };
  for (size_t i = 0; i < items.size(); ++i) {
    const BatchItem& item = items[i];
    for (; point != points.end() && point->seq < item.record->seq; ++point)
      barrier = barrier || (order == Order::kCausal && covers_held(*point));
    if (barrier) break;
    if (!item.waiting && !held.shared_by(item.uses)) {
      chosen.push_back(i);
      continue;
    }
    held.add(item.uses);
    if (const Ino content = content_of(item.record->operation)) held_contents.insert(content);
  }
  return chosen;
}

}  // namespace fastmeta::model
