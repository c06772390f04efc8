// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/units.h"

#include <array>
#include <limits>

#include "util/bytes.h"

namespace fastmeta::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};
// The first name of a factor is the one that is written. From small to large.
constexpr std::array<Unit, 10> kSizes = {{{"", 1},
                                          {"b", 1},
                                          {"kib", int64_t{1} << 10},
                                          {"k", int64_t{1} << 10},
                                          {"mib", int64_t{1} << 20},
                                          {"m", int64_t{1} << 20},
                                          {"gib", int64_t{1} << 30},
                                          {"g", int64_t{1} << 30},
                                          {"tib", int64_t{1} << 40},
                                          {"t", int64_t{1} << 40}}};
constexpr std::array<Unit, 5> kWrittenSizes = {{{"", 1},
                                                {"KiB", int64_t{1} << 10},
                                                {"MiB", int64_t{1} << 20},
                                                {"GiB", int64_t{1} << 30},
                                                {"TiB", int64_t{1} << 40}}};
constexpr std::array<Unit, 4> kDurations = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

constexpr std::string_view kDigits = "0123456789";

bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

std::optional<int64_t> times(int64_t count, int64_t factor) {
  if (count > std::numeric_limits<int64_t>::max() / factor) return std::nullopt;
  return count * factor;
}

std::string format(int64_t value, std::span<const Unit> units) {
  if (value == 0) return "0";
  const Unit* best = &units.front();
  for (const Unit& unit : units)
    if (value % unit.factor == 0) best = &unit;
  return std::to_string(value / best->factor) + std::string(best->name);
}

// "user:password@" of the text behind the scheme, without the '@'.
std::string_view user_info(std::string_view rest) {
  const size_t at = rest.rfind('@', rest.find('?'));
  return at == std::string_view::npos ? std::string_view{} : rest.substr(0, at);
}

std::string_view behind_scheme(std::string_view url) {
  const size_t colon = url.find("://");
  return colon == std::string_view::npos ? url : url.substr(colon + 3);
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::optional<std::string> port_problem(std::string_view authority) {
  const size_t behind_host = authority.rfind(']');  // an IPv6 address has colons
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos ||
      (behind_host != std::string_view::npos && colon < behind_host))
    return std::nullopt;
  const auto port = parse_decimal<uint32_t>(authority.substr(colon + 1));
  if (port && *port >= 1 && *port <= 65535) return std::nullopt;
  return "its port is not a number from 1 to 65535 (in a password '/', '?', '#' and '%' are "
         "written as %2F, %3F, %23 and %25)";
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  if (same_word(text, "true")) return true;
  if (same_word(text, "false")) return false;
  return std::nullopt;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  return parse_decimal<int64_t>(text);
}

std::optional<int64_t> parse_size(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  const auto count = parse_decimal<int64_t>(text.substr(0, digits));
  if (!count) return std::nullopt;
  for (const Unit& unit : kSizes)
    if (same_word(text.substr(digits), unit.name)) return times(*count, unit.factor);
  return std::nullopt;
}

std::optional<int64_t> parse_duration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  const auto count = parse_decimal<int64_t>(text.substr(0, digits));
  if (!count) return std::nullopt;
  if (digits == text.size()) return *count == 0 ? count : std::nullopt;
  for (const Unit& unit : kDurations)
    if (text.substr(digits) == unit.name) return times(*count, unit.factor);
  return std::nullopt;
}

std::string format_size(int64_t bytes) { return format(bytes, kWrittenSizes); }
std::string format_duration(int64_t ms) { return format(ms, kDurations); }

std::optional<std::string> url_problem(std::string_view url,
                                       std::span<const std::string> schemes) {
  for (size_t i = 0; i < url.size(); ++i) {
    const auto byte = static_cast<unsigned char>(url[i]);
    if (byte <= ' ' || byte == 0x7f) return "a URL has no spaces and no control characters";
    if (url[i] == '%' && (i + 2 >= url.size() || !is_hex(url[i + 1]) || !is_hex(url[i + 2])))
      return "'%' is not followed by two hexadecimal digits";
  }
  std::string_view scheme = schemes.empty() ? std::string_view{} : schemes.front();
  if (const size_t colon = url.find("://"); colon != std::string_view::npos) {
    scheme = url.substr(0, colon);
    bool known = schemes.empty();
    for (const std::string& allowed : schemes) known = known || allowed == scheme;
    if (!known) return "its scheme is not known";
  }
  const std::string_view rest = behind_scheme(url);
  const std::string_view user = user_info(rest);
  std::string_view place = user.empty() && !rest.starts_with('@') ? rest
                                                                   : rest.substr(user.size() + 1);
  place = place.substr(0, place.find('?'));
  if (scheme == "unix") {
    if (place.empty()) return "the path of the socket is missing";
    return std::nullopt;
  }
  const std::string_view authority = place.substr(0, place.find('/'));
  if (authority.empty()) return "the host is missing";
  return port_problem(authority);
}

std::string mask_url(std::string_view url) {
  const std::string_view rest = behind_scheme(url);
  const std::string_view user = user_info(rest);
  const size_t colon = user.find(':');
  if (colon == std::string_view::npos || colon + 1 == user.size()) return std::string(url);
  std::string masked(url.substr(0, url.size() - rest.size() + colon + 1));
  masked += "***";
  masked += rest.substr(user.size());
  return masked;
}

std::optional<std::string> url_parameter(std::string_view url, std::string_view name) {
  const size_t question = url.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  std::string_view query = url.substr(question + 1);
  query = query.substr(0, query.find('#'));
  std::optional<std::string> found;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name)
      found = equals == pair.size() ? "" : std::string(pair.substr(equals + 1));
  }
  return found;
}

}  // namespace fastmeta::config
