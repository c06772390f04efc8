// SPDX-License-Identifier: GPL-3.0-or-later
// YAML text as a flat list of settings with their lines. Reads by events and
// builds no tree: depth is bounded while the text is read, and an alias, by which
// a small file can stand for a huge one, is never followed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastmeta::config {

struct Setting {
  enum class Kind : uint8_t { kScalar, kList, kMap, kEmpty };
  std::string path;                   // dotted
  int line = 0;                       // of the key
  Kind kind = Kind::kScalar;
  std::string text;                   // kScalar
  std::vector<std::string> elements;  // kList
};

struct Problem {
  int line = 0;      // 0: the file as a whole
  std::string path;  // of the setting; empty: it concerns the whole file
  std::string text;
};

struct YamlText {
  std::vector<Setting> settings;  // in the order of the file, a map before what it holds
  std::vector<Problem> problems;  // syntax, duplicate keys, what is left out of YAML
};

inline constexpr size_t kDepthMax = 16;
inline constexpr size_t kFileBytesMax = 1u << 20;

YamlText read_yaml(const std::string& text);

}  // namespace fastmeta::config
