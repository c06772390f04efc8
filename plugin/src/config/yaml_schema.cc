// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/yaml_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "config/value_parse.h"
#include "config/yaml_reader.h"
#include "util/check.h"
#include "util/nearest.h"

namespace fastmeta::config {
namespace {

std::string_view last_part(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace

Error config_error(std::string text) { return {Fault::kConfig, EINVAL, std::move(text)}; }

std::string summary(const Key& key) {
  std::string out;
  switch (key.type) {
    case Type::kBool: out = "true or false"; break;
    case Type::kInteger:
      out = fmt::format("number ({}), {} to {}", key.unit, key.min, key.max);
      break;
    case Type::kSize: out = fmt::format("size, {} to {}", key.min, key.max); break;
    case Type::kDuration: out = fmt::format("duration, {} to {}", key.min, key.max); break;
    case Type::kEnum: out = fmt::format("one of {}", fmt::join(key.choices, ", ")); break;
    case Type::kString: out = "text"; break;
    case Type::kPath: out = "absolute path"; break;
    case Type::kUrl: out = "URL"; break;
    case Type::kList: out = "list of words"; break;
  }
  return out + (key.fallback.empty() ? ", default none" : ", default " + key.fallback);
}

Schema::Schema(std::vector<Key> keys, std::vector<std::string> others)
    : keys_(std::move(keys)), others_(std::move(others)) {}

Schema::Schema(std::vector<Key> keys, std::string section)
    : keys_(std::move(keys)), only_(std::move(section)) {}

const Key* Schema::find(std::string_view name) const {
  for (const Key& key : keys_)
    if (key.name == name) return &key;
  return nullptr;
}

bool Schema::is_section(std::string_view name) const {
  for (const Key& key : keys_)
    if (key.name.size() > name.size() && key.name.starts_with(name) && key.name[name.size()] == '.')
      return true;
  return false;
}

bool Schema::skips(std::string_view top_level) const {
  if (!only_.empty()) return top_level != only_;
  return std::find(others_.begin(), others_.end(), top_level) != others_.end();
}

std::optional<std::string> Schema::nearest(std::string_view name) const {
  std::vector<std::string> candidates = others_;
  for (const Key& key : keys_) {
    if (last_part(key.name) == last_part(name)) return key.name;  // in the wrong section
    candidates.push_back(key.name);
    for (size_t dot = key.name.find('.'); dot != std::string::npos;
         dot = key.name.find('.', dot + 1))
      candidates.push_back(key.name.substr(0, dot));
  }
  // The section that the word already lies in helps nobody.
  std::erase_if(candidates, [&](const std::string& candidate) {
    return name.starts_with(candidate) && name.substr(candidate.size()).starts_with('.');
  });
  return nearest_word(name, candidates);
}

Values::Values(const Schema& schema) : keys_(schema.keys()) {
  for (const Key& key : keys_) values_.emplace(key.name, Value{fallback_of(key), "default"});
}

const Value& Values::at(std::string_view key) const {
  const auto found = values_.find(key);
  MDP_CHECK(found != values_.end());
  return found->second;
}

bool Values::flag(std::string_view key) const { return std::get<bool>(at(key).data); }
int64_t Values::integer(std::string_view key) const { return std::get<int64_t>(at(key).data); }
uint64_t Values::size(std::string_view key) const {
  return static_cast<uint64_t>(std::get<int64_t>(at(key).data));
}
std::chrono::milliseconds Values::duration(std::string_view key) const {
  return std::chrono::milliseconds(std::get<int64_t>(at(key).data));
}
const std::string& Values::text(std::string_view key) const {
  return std::get<std::string>(at(key).data);
}
const std::vector<std::string>& Values::list(std::string_view key) const {
  return std::get<std::vector<std::string>>(at(key).data);
}
const std::string& Values::origin(std::string_view key) const { return at(key).origin; }

void Values::set(const std::string& key, Value value) {
  const auto found = values_.find(key);
  MDP_CHECK(found != values_.end());
  MDP_CHECK(found->second.data.index() == value.data.index());
  found->second = std::move(value);
}

Result<Source> read_source(const std::string& path) {
  // The host and the plugin read it one after the other: the second would find a pipe empty.
  std::error_code failed;
  if (std::filesystem::is_other(path, failed))
    return config_error(path + ": is not a regular file; put the configuration into one");
  std::ifstream in(path, std::ios::binary);
  Source source{path, {}};
  if (in) {
    // One byte more than is allowed: what is too large is refused by its reader.
    source.text.resize(kFileBytesMax + 1);
    in.read(source.text.data(), static_cast<std::streamsize>(source.text.size()));
    source.text.resize(static_cast<size_t>(in.gcount()));
  }
  if (in.bad() || (!in && !in.eof()))
    return config_error(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  return source;
}

}  // namespace fastmeta::config
