// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/size.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace fastmeta::host {
namespace {

constexpr std::string_view kUnits = "KMGTPE";

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end == text.data()) return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (unit.empty()) return number;
  const size_t power = kUnits.find(static_cast<char>(std::toupper(
      static_cast<unsigned char>(unit.front()))));
  unit.remove_prefix(1);
  if (power == std::string_view::npos || (!unit.empty() && unit != "iB")) return std::nullopt;
  const unsigned int shift = 10 * (static_cast<unsigned int>(power) + 1);
  if (number > (UINT64_MAX >> shift)) return std::nullopt;
  return number << shift;
}

std::string human_size(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < kUnits.size(); value /= 1024) ++unit;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %ciB", value, kUnits[unit]);
  return text.data();
}

}  // namespace fastmeta::host
