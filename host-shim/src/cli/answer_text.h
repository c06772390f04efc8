// SPDX-License-Identifier: GPL-3.0-or-later
// What a daemon answered, as people read it. The daemon may be another user's, and then it
// answers what that user wants: whatever the JSON is there is a text, and nothing in it is a
// command to the terminal.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace fastmeta::host {

// 0 when there is no such number.
uint64_t number_at(const nlohmann::json& json, const char* pointer);

// Control characters become "?".
std::string printable(std::string_view text);

// Of the verb "status", with the plugin's stats as "detail".
std::string status_text(const nlohmann::json& status);
// Nested objects as dotted names, one value per line.
std::string flat_text(const nlohmann::json& json);
// A line of `fastmeta oplog list` and of `fastmeta conflicts list`.
std::string record_text(const nlohmann::json& item);
std::string conflict_text(const nlohmann::json& item);

}  // namespace fastmeta::host
