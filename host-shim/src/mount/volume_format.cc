// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/volume_format.h"

#include <nlohmann/json.hpp>

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& settings, const char* field) {
  const auto found = settings.find(field);
  return found != settings.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::optional<VolumeFormat> parse_volume_format(const std::string& json, std::string* why) {
  const Json settings = Json::parse(json, nullptr, false);
  if (!settings.is_object()) {
    *why = "the plugin's description of the volume is not a JSON object";
    return std::nullopt;
  }
  VolumeFormat format;
  format.name = text_of(settings, "Name");
  format.uuid = text_of(settings, "UUID");
  format.storage = text_of(settings, "Storage");
  format.bucket = text_of(settings, "Bucket");
  format.compression = text_of(settings, "Compression");
  if (format.storage != "file") {
    *why = "volume " + format.name + ": storage '" + format.storage +
           "' is not supported, only 'file' is";
    return std::nullopt;
  }
  if (format.bucket.empty() || format.bucket.front() != '/') {
    *why = "volume " + format.name + ": bucket '" + format.bucket + "' is not an absolute path";
    return std::nullopt;
  }
  if (format.bucket.back() != '/') format.bucket += '/';
  const auto block = settings.find("BlockSize");  // KiB
  if (block == settings.end() || !block->is_number_unsigned() || block->get<uint64_t>() == 0 ||
      block->get<uint64_t>() * 1024 > MDP_CHUNK_BYTES) {
    *why = "volume " + format.name + ": BlockSize is not 1 to 65536 KiB";
    return std::nullopt;
  }
  format.block_bytes = static_cast<uint32_t>(block->get<uint64_t>() * 1024);
  if (const auto hash = settings.find("HashPrefix"); hash != settings.end()) {
    format.hash_prefix = hash->is_boolean() && hash->get<bool>();
  }
  return format;
}

}  // namespace fastmeta::host
