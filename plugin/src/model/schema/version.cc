// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/schema/version.h"

#include "model/schema/setting.h"
#include "util/bytes.h"

namespace fastmeta::model {
namespace {

int sign(auto order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  if (text.starts_with('v')) text.remove_prefix(1);
  text = text.substr(0, text.find('+'));  // what was built and when says nothing of the format
  const size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    version.pre_release = text.substr(dash + 1);
    if (version.pre_release.empty()) return std::nullopt;
    text = text.substr(0, dash);
  }
  for (uint32_t& number : version.numbers) {
    const size_t dot = text.find('.');
    const auto part = parse_decimal<uint32_t>(text.substr(0, dot));
    if (!part) return std::nullopt;
    number = *part;
    if (dot == std::string_view::npos) return version;
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;  // a fourth number
}

int compare_versions(const Version& a, const Version& b) {
  if (a.numbers != b.numbers) return sign(a.numbers <=> b.numbers);
  // A release comes after all that lead up to it.
  if (a.pre_release.empty() || b.pre_release.empty())
    return static_cast<int>(a.pre_release.empty()) - static_cast<int>(b.pre_release.empty());
  return sign(a.pre_release <=> b.pre_release);
}

// What is no version counts as older than everything.
int compare_versions(std::string_view a, std::string_view b) {
  const auto left = parse_version(a);
  const auto right = parse_version(b);
  if (!left || !right)
    return static_cast<int>(left.has_value()) - static_cast<int>(right.has_value());
  return compare_versions(*left, *right);
}

}  // namespace fastmeta::model
