// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/value_parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "config/units.h"
#include "util/check.h"

namespace fastmeta::config {
namespace {

constexpr size_t kShownMax = 80;

std::optional<int64_t> parse_number(Type type, std::string_view text) {
  if (type == Type::kSize) return parse_size(text);
  if (type == Type::kDuration) return parse_duration(text);
  return parse_integer(text);
}

int64_t limit(const Key& key, const std::string& text) {
  const auto value = parse_number(key.type, text);
  MDP_CHECK(value);
  return *value;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

// Between single quotes, cut, without bytes that could move a terminal's cursor.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text.substr(0, kShownMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  out += text.size() > kShownMax ? "…'" : "'";
  return out;
}

Error wrong(const Key& key, const std::string& shown, std::string_view what) {
  const std::string value = key.secret ? "the value" : in_quotes(shown);
  return config_error(fmt::format("{} {}; allowed: {}", value, what, allowed(key)));
}

Result<Data> parse_url(const Key& key, const std::string& text) {
  if (text.empty() && key.fallback.empty()) return Data(text);
  if (auto problem = url_problem(text, key.choices))
    return config_error(
        fmt::format("the value is not a valid URL: {}; allowed: {}", *problem, allowed(key)));
  return Data(text);
}

}  // namespace

std::string allowed(const Key& key) {
  const std::string range = fmt::format("from {} to {}", key.min, key.max);
  switch (key.type) {
    case Type::kBool: return "true or false";
    case Type::kInteger: return fmt::format("a number of {} {}", key.unit, range);
    case Type::kSize:
      return fmt::format("a size such as 64MiB, 4M, 1GiB or a number of bytes, {}", range);
    case Type::kDuration: return fmt::format("a duration such as 500ms, 10s, 2m, 1h, {}", range);
    case Type::kEnum: return joined(key.choices);
    case Type::kPath: return "an absolute path";
    case Type::kUrl: return fmt::format("a URL of the scheme {}", joined(key.choices));
    case Type::kString: return "text";
    case Type::kList: return "a list of words";
  }
  return {};
}

Result<Data> parse_value(const Key& key, const std::string& text, const std::string& shown) {
  switch (key.type) {
    case Type::kBool: {
      const auto value = parse_bool(text);
      if (!value) return wrong(key, shown, "is neither true nor false");
      return Data(*value);
    }
    case Type::kInteger:
    case Type::kSize:
    case Type::kDuration: {
      const auto value = parse_number(key.type, text);
      if (!value) {
        if (key.type == Type::kInteger) return wrong(key, shown, "is not a whole number");
        if (key.type == Type::kSize) return wrong(key, shown, "is not a size");
        if (parse_integer(text)) return wrong(key, shown, "has no unit");
        return wrong(key, shown, "is not a duration");
      }
      if (*value < limit(key, key.min) || *value > limit(key, key.max))
        return wrong(key, shown, "is out of range");
      return Data(*value);
    }
    case Type::kEnum:
      if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end())
        return wrong(key, shown, "is not one of the choices");
      return Data(text);
    case Type::kPath:
      if (!text.empty() ? !text.starts_with('/') : !key.fallback.empty())
        return wrong(key, shown, "is not an absolute path");
      return Data(text);
    case Type::kUrl: return parse_url(key, text);
    case Type::kString: return Data(text);
    case Type::kList: return Data(split_list(text));
  }
  return config_error("unknown type");
}

Data fallback_of(const Key& key) {
  auto value = parse_value(key, key.fallback, key.fallback);
  if (!value) check_failed(("default of " + key.name).c_str(), __FILE__, __LINE__);
  return std::move(*value);
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace fastmeta::config
