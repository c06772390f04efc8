// SPDX-License-Identifier: GPL-3.0-or-later
// The text of one value, checked against its key.
#pragma once

#include <string>
#include <vector>

#include "config/yaml_schema.h"

namespace fastmeta::config {

// What may stand there, for messages: "a duration such as 10s …, from 1s to 10m".
std::string allowed(const Key& key);

// `shown` is what a message quotes: the text as written, before ${…} is replaced.
// kConfig: one sentence without the key's name.
Result<Data> parse_value(const Key& key, const std::string& text, const std::string& shown);

// The fallback of a key; it is valid, or the process ends.
Data fallback_of(const Key& key);

// "a,b" -> {"a", "b"}; an empty text is an empty list.
std::vector<std::string> split_list(const std::string& text);

}  // namespace fastmeta::config
