// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/schema/keys.h"

namespace fastmeta::sim {

History::History(test::RedisModel& model) : model_(model) {
  model_.on_change = [this](const std::string& key) { changed_.insert(key); };
  replaced();
}

std::vector<Place> History::step() {
  ++now_;
  std::vector<Place> places;
  if (changed_.empty()) return places;
  for (const std::string& key : std::exchange(changed_, {}))
    if (model::KeySpace().parse(key)) record(key, &places);
  return places;
}

void History::replaced() {
  ++now_;
  changed_.clear();
  for (const std::string& key : std::vector<std::string>(keys_)) record(key, nullptr);
  model_.for_each_key([&](const std::string& key, const test::Value&) {
    if (model::KeySpace().parse(key)) record(key, nullptr);
  });
}

void History::record(const std::string& key, std::vector<Place>* places) {
  auto [at, added] = past_.try_emplace(key);
  if (added) keys_.push_back(key);
  auto& past = at->second;
  auto note = [&](const std::string& field, Changes& changes, Held value) {
    if (changes.empty() ? !value : changes.back().value == value) return;
    changes.push_back({now_, std::move(value)});
    if (places) places->push_back({key, field});
  };
  const test::Value* value = model_.find(key);
  const char kind = key[0];
  if (kind == 'd' || kind == 'x' || kind == 'p') {
    static const test::Hash kNone;
    const auto* hash = value ? std::get_if<test::Hash>(value) : &kNone;
    if (!hash) return;
    for (auto& [field, changes] : past)
      if (!hash->fields.contains(field)) note(field, changes, std::nullopt);
    for (const auto& [field, bytes] : hash->fields) note(field, past[field], bytes);
    return;
  }
  Held held;
  if (const auto* text = value ? std::get_if<std::string>(value) : nullptr) held = *text;
  if (const auto* list = value ? std::get_if<test::List>(value) : nullptr) {
    held.emplace();
    for (const std::string& item : *list) *held += item;
  }
  note("", past[""], std::move(held));
}

std::optional<Moment> History::first(const Place& place, Moment from,
                                     const std::function<bool(const Held&)>& one_of) const {
  static const Changes kNone;
  const auto key = past_.find(place.key);
  const Changes* changes = &kNone;
  if (key != past_.end())
    if (auto it = key->second.find(place.field); it != key->second.end()) changes = &it->second;
  // The last change that is not later than `from`, and all behind it.
  auto at = std::upper_bound(changes->begin(), changes->end(), from,
                             [](Moment m, const Change& change) { return m < change.since; });
  if (one_of(at == changes->begin() ? Held() : std::prev(at)->value)) return from;
  for (; at != changes->end(); ++at)
    if (one_of(at->value)) return at->since;
  return std::nullopt;
}

const Held& History::last(const Place& place) const {
  static const Held kNone;
  const auto key = past_.find(place.key);
  if (key == past_.end()) return kNone;
  const auto it = key->second.find(place.field);
  return it == key->second.end() || it->second.empty() ? kNone : it->second.back().value;
}

std::vector<std::string> History::values(const Place& place) const {
  std::vector<std::string> found;
  const auto key = past_.find(place.key);
  if (key == past_.end()) return found;
  if (const auto it = key->second.find(place.field); it != key->second.end())
    for (const Change& change : it->second)
      if (change.value) found.push_back(*change.value);
  return found;
}

std::vector<std::string> History::fields(const std::string& key) const {
  std::vector<std::string> names;
  if (const auto at = past_.find(key); at != past_.end())
    for (const auto& [field, changes] : at->second) names.push_back(field);
  return names;
}

std::string History::told(const Place& place) const {
  std::string text;
  const auto key = past_.find(place.key);
  if (key == past_.end()) return text;
  if (const auto it = key->second.find(place.field); it != key->second.end())
    for (const Change& change : it->second) {
      text += fmt::format(" {}:", change.since);
      if (!change.value) text += "-";
      else for (unsigned char c : *change.value) text += fmt::format("{:02x}", c);
    }
  return text;
}

}  // namespace fastmeta::sim
