// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/open_table.h"

#include "util/check.h"

namespace fastmeta::engine {

using model::Attr;
using model::Ino;

void OpenTable::opened(Ino ino) {
  std::lock_guard lock(mutex_);
  ++open_[now(ino)].opens;
}

void OpenTable::remember(Ino ino, const Attr& attr) {
  std::lock_guard lock(mutex_);
  if (auto it = open_.find(now(ino)); it != open_.end()) it->second.attr = attr;
}

std::optional<Attr> OpenTable::remembered(Ino ino) const {
  std::lock_guard lock(mutex_);
  auto it = open_.find(now(ino));
  return it == open_.end() ? std::nullopt : it->second.attr;
}

bool OpenTable::sustain(Ino ino) {
  std::lock_guard lock(mutex_);
  auto it = open_.find(now(ino));
  if (it == open_.end()) return false;
  it->second.sustained = true;
  return true;
}

OpenTable::Closed OpenTable::closed(Ino ino) {
  std::lock_guard lock(mutex_);
  auto it = open_.find(now(ino));
  MDP_CHECK(it != open_.end() && it->second.opens > 0);
  if (--it->second.opens > 0) return {};
  Closed result{true, it->second.sustained};
  open_.erase(it);
  return result;
}

bool OpenTable::is_open(Ino ino) const {
  std::lock_guard lock(mutex_);
  ino = now(ino);
  return open_.contains(ino) || (ino == expected_.second && open_.contains(expected_.first));
}

std::vector<Ino> OpenTable::sustained() const {
  std::lock_guard lock(mutex_);
  std::vector<Ino> out;
  for (const auto& [ino, state] : open_)
    if (state.sustained) out.push_back(ino);
  return out;
}

void OpenTable::renumbered(Ino old, Ino now) {
  std::lock_guard lock(mutex_);
  numbers_[old] = now;
  others_[now].push_back(old);
  any_.store(true, std::memory_order_release);
  auto from = open_.extract(old);
  if (from.empty()) return;
  State& to = open_[now];
  to.opens += from.mapped().opens;
  to.sustained = to.sustained || from.mapped().sustained;
}

void OpenTable::expect(Pair pair) {
  std::lock_guard lock(mutex_);
  expected_ = pair;
}

Ino OpenTable::now(Ino ino) const {
  auto it = numbers_.find(ino);
  return it == numbers_.end() ? ino : it->second;
}

Ino OpenTable::number(Ino ino) const {
  if (!any_renumbered()) return ino;
  std::lock_guard lock(mutex_);
  return now(ino);
}

std::vector<Ino> OpenTable::other_numbers(Ino ino) const {
  if (!any_renumbered()) return {};
  std::lock_guard lock(mutex_);
  auto it = others_.find(ino);
  return it == others_.end() ? std::vector<Ino>() : it->second;
}

size_t OpenTable::size() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace fastmeta::engine
