// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/listing.h"

#include "util/check.h"

namespace fastmeta::engine {

void Listing::add(std::string_view name, const model::Dentry& dentry) {
  MDP_CHECK(name.size() <= model::kNameMax);
  if (index_.find(name) != index_.end()) return;
  auto at = static_cast<uint32_t>(names_.size());
  names_.insert(names_.end(), name.begin(), name.end());
  items_.push_back({dentry.ino, at, static_cast<uint8_t>(name.size()), dentry.type});
  index_.insert(static_cast<uint32_t>(items_.size() - 1));
}

Listing::Item Listing::at(size_t position) const {
  const Slot& s = items_[position];
  return {name_of(static_cast<uint32_t>(position)), {s.type, s.ino}};
}

bool Listing::find(std::string_view name, model::Dentry* out) const {
  auto it = index_.find(name);
  if (it == index_.end()) return false;
  *out = at(*it).dentry;
  return true;
}

size_t Listing::bytes() const {
  // The index costs a node and a bucket per entry.
  return sizeof(*this) + names_.capacity() + items_.capacity() * sizeof(Slot) + items_.size() * 32;
}

}  // namespace fastmeta::engine
