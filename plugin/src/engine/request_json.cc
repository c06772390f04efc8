// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/request_json.h"

#include <cerrno>
#include <utility>

namespace fastmeta::engine {

Result<nlohmann::json> parse_request(std::string_view text) {
  if (text.empty()) return nlohmann::json::object();
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_object()) return Error{Fault::kConfig, EINVAL, "the request is no JSON object"};
  return parsed;
}

}  // namespace fastmeta::engine
