// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/schema/keys.h"

#include <chrono>
#include <cstdio>

#include "util/bytes.h"

namespace fastmeta::model {
namespace {

// A number as we and the standard client write it: digits only, no zeros in
// front. Anything else is some other key that begins with the same letter.
template <std::unsigned_integral T>
std::optional<T> parse_key_number(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  if (text[0] == '0' && text.size() > 1) return std::nullopt;
  return parse_decimal<T>(text);
}

}  // namespace

std::optional<KeySpace::Parsed> KeySpace::parse(std::string_view key) const {
  if (!key.starts_with(prefix_)) return std::nullopt;
  key.remove_prefix(prefix_.size());
  if (key.empty()) return std::nullopt;

  Parsed parsed;
  parsed.kind = key[0];
  if (std::string_view("idpcsx").find(parsed.kind) == std::string_view::npos) return std::nullopt;
  key.remove_prefix(1);

  if (parsed.kind == 'c') {
    size_t bar = key.find('_');
    if (bar == std::string_view::npos) return std::nullopt;
    auto index = parse_key_number<uint32_t>(key.substr(bar + 1));
    if (!index) return std::nullopt;
    parsed.index = *index;
    key = key.substr(0, bar);
  }
  auto ino = parse_key_number<Ino>(key);
  if (!ino || *ino == 0) return std::nullopt;
  parsed.ino = *ino;
  return parsed;
}

std::string slice_ref_field(uint64_t id, uint32_t size) {
  return "k" + std::to_string(id) + "_" + std::to_string(size);
}

std::string dead_file_member(Ino ino, uint64_t length) {
  return std::to_string(ino) + ":" + std::to_string(length);
}

std::string trash_entry_name(Ino parent, Ino ino, std::string_view name) {
  std::string full = std::to_string(parent) + "-" + std::to_string(ino) + "-";
  full += name;
  // Bytes, not characters: the other clients look for the name cut like this.
  if (full.size() > kNameMax) full.resize(kNameMax);
  return full;
}

std::string trash_hour_name(Timestamp now) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds(now.sec)};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const auto hour = chrono::floor<chrono::hours>(time - day).count();
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u-%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(hour));
  return text;
}

}  // namespace fastmeta::model
