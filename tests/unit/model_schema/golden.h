// SPDX-License-Identifier: GPL-3.0-or-later
// What the standard client stored, from golden/*.json (tests/interop/capture_golden.py).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fastmeta::model {

struct GoldenKey {
  std::string scene;
  std::string name;
  std::string type;                          // as Redis names it
  std::string string;                        // type string
  std::map<std::string, std::string> hash;   // type hash
  std::vector<std::string> items;            // type list, set
  std::map<std::string, std::string> scores; // type zset: by member
};

// All keys of all scenes.
const std::vector<GoldenKey>& golden_keys();

// One key; the test fails when the scene does not have it.
const GoldenKey& golden_key(std::string_view scene, std::string_view name);

// "00ff" as bytes.
std::string from_hex(std::string_view hex);
std::string to_hex(std::string_view bytes);

}  // namespace fastmeta::model
