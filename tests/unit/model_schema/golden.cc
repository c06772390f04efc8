// SPDX-License-Identifier: GPL-3.0-or-later
#include "golden.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace fastmeta::model {
namespace {

using nlohmann::json;

std::string bytes_of(const json& hex) { return from_hex(hex.get<std::string>()); }

GoldenKey read_key(const std::string& scene, const std::string& name, const json& key) {
  GoldenKey out;
  out.scene = scene;
  out.name = name;
  out.type = key.at("type");
  const json& value = key.at("value");
  if (out.type == "string") {
    out.string = bytes_of(value);
  } else if (out.type == "hash") {
    for (const auto& [field, content] : value.items())
      out.hash[from_hex(field)] = bytes_of(content);
  } else if (out.type == "zset") {
    for (const json& pair : value) out.scores[bytes_of(pair.at(0))] = pair.at(1);
  } else {
    for (const json& item : value) out.items.push_back(bytes_of(item));
  }
  return out;
}

std::vector<GoldenKey> read_all() {
  std::vector<GoldenKey> keys;
  const std::filesystem::path folder = FASTMETA_SOURCE_DIR "/tests/unit/model_schema/golden";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".json") continue;
    std::ifstream in(file.path());
    const json all = json::parse(in);
    for (const auto& [name, key] : all.items())
      keys.push_back(read_key(file.path().stem(), name, key));
  }
  return keys;
}

}  // namespace

const std::vector<GoldenKey>& golden_keys() {
  static const std::vector<GoldenKey> keys = read_all();
  return keys;
}

const GoldenKey& golden_key(std::string_view scene, std::string_view name) {
  for (const GoldenKey& key : golden_keys())
    if (key.scene == scene && key.name == name) return key;
  throw std::runtime_error("not captured: " + std::string(scene) + " " + std::string(name));
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (unsigned char c : bytes) {
    hex += "0123456789abcdef"[c >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  return hex;
}

}  // namespace fastmeta::model
