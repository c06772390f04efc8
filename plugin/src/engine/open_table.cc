// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/open_table.h"

#include "util/check.h"

namespace fastmeta::engine {

using model::Attr;
using model::Ino;

void OpenTable::opened(Ino ino) {
  std::lock_guard lock(mutex_);
  ++open_[ino].opens;
}

void OpenTable::remember(Ino ino, const Attr& attr) {
  std::lock_guard lock(mutex_);
  if (auto it = open_.find(ino); it != open_.end()) it->second.attr = attr;
}

std::optional<Attr> OpenTable::remembered(Ino ino) const {
  std::lock_guard lock(mutex_);
  auto it = open_.find(ino);
  return it == open_.end() ? std::nullopt : it->second.attr;
}

bool OpenTable::sustain(Ino ino) {
  std::lock_guard lock(mutex_);
  auto it = open_.find(ino);
  if (it == open_.end()) return false;
  it->second.sustained = true;
  return true;
}

OpenTable::Closed OpenTable::closed(Ino ino) {
  std::lock_guard lock(mutex_);
  auto it = open_.find(ino);
  MDP_CHECK(it != open_.end() && it->second.opens > 0);
  if (--it->second.opens > 0) return {};
  Closed result{true, it->second.sustained};
  open_.erase(it);
  return result;
}

bool OpenTable::is_open(Ino ino) const {
  std::lock_guard lock(mutex_);
  return open_.contains(ino);
}

std::vector<Ino> OpenTable::sustained() const {
  std::lock_guard lock(mutex_);
  std::vector<Ino> out;
  for (const auto& [ino, state] : open_)
    if (state.sustained) out.push_back(ino);
  return out;
}

size_t OpenTable::size() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace fastmeta::engine
