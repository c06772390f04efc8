// SPDX-License-Identifier: GPL-3.0-or-later
// The requests of admin verbs.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "util/result.h"

namespace fastmeta::engine {

// A JSON object; no text is one without fields. kConfig: it is no object.
Result<nlohmann::json> parse_request(std::string_view text);

}  // namespace fastmeta::engine
