// SPDX-License-Identifier: GPL-3.0-or-later
// A declarative schema of configuration keys, and loading by it: a YAML file,
// overrides on top of it, defaults below. Every value knows where it came from;
// every error of a file is reported, not only the first.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "util/result.h"

namespace fastmeta::config {

enum class Type : uint8_t { kBool, kInteger, kSize, kDuration, kEnum, kString, kPath, kUrl, kList };

// One key. Default and limits are written as a user would write them, so that
// messages, documentation and code cannot differ.
struct Key {
  std::string name;         // dotted path: "cache.memory-max"
  Type type = Type::kString;
  std::string fallback;     // default; a list: elements with ',' between
  std::string min, max;     // integer, size, duration: both inclusive, never empty
  std::string unit;         // integer: what is counted
  std::vector<std::string> choices = {};  // enum: the values; url: the schemes
  bool secret = false;      // shown as "***" only
  std::string description;  // one sentence
};

// "size, 0 to 1TiB, default 256MiB"
std::string summary(const Key& key);

using Data = std::variant<bool, int64_t, std::string, std::vector<std::string>>;

struct Value {
  Data data;            // size: bytes; duration: milliseconds; enum, path, url: text
  std::string origin;   // "default", "FILE:LINE", "option", "url", "command line"; followed by
                        // " (environment NAME)" when ${NAME} took part
};

// A value that wins over the file; a later one wins over an earlier one.
struct Override {
  std::string key;
  std::string text;
  std::string origin;
};

// The text of a file and its name in messages.
struct Source {
  std::string name;
  std::string text;
};

class Schema {
 public:
  // others: top-level sections that belong to somebody else and are skipped,
  // in files and in overrides.
  Schema(std::vector<Key> keys, std::vector<std::string> others);
  // Only the top-level section `section` is looked at, all others are skipped.
  Schema(std::vector<Key> keys, std::string section);

  const std::vector<Key>& keys() const { return keys_; }
  const Key* find(std::string_view name) const;
  bool is_section(std::string_view name) const;   // some key lies below it
  bool skips(std::string_view top_level) const;
  // "did you mean 'x'?" or nothing.
  std::optional<std::string> nearest(std::string_view name) const;

  // A JSON schema (2020-12) of the file, indented.
  std::string json_schema() const;

 private:
  std::vector<Key> keys_;
  std::vector<std::string> others_;
  std::string only_;
};

// Effective values: one for each key of the schema. Asking for an unknown key or
// by the wrong type is a bug and ends the process.
class Values {
 public:
  explicit Values(const Schema& schema);

  bool flag(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  uint64_t size(std::string_view key) const;                       // bytes
  std::chrono::milliseconds duration(std::string_view key) const;
  const std::string& text(std::string_view key) const;             // string, path, url, enum
  const std::vector<std::string>& list(std::string_view key) const;
  const std::string& origin(std::string_view key) const;

  // {"key": {"value": …, "from": …}}; sizes and durations as a user would write
  // them, secrets masked, passwords inside URLs masked. `indent` -1: one line.
  std::string json(int indent = 2) const;

  void set(const std::string& key, Value value);

 private:
  const Value& at(std::string_view key) const;

  std::vector<Key> keys_;
  std::map<std::string, Value, std::less<>> values_;
};

// The file's text; at most 1 MiB. kConfig: it cannot be read, with the reason.
Result<Source> read_source(const std::string& path);

// "key.path=value" lines, as of -o and --option.
Result<std::vector<Override>> parse_options(std::span<const std::string> lines);

// kConfig; the text has one line per error, the first ten of them.
Result<Values> load(const Schema& schema, const std::optional<Source>& file,
                    std::span<const Override> overrides);

// kConfig with a message.
Error config_error(std::string text);

}  // namespace fastmeta::config
