// SPDX-License-Identifier: GPL-3.0-or-later
// For writing tables of keys: one line or two per key.
#pragma once

#include <string>
#include <vector>

#include "config/yaml_schema.h"

namespace fastmeta::config {

// Bool, string, path, list.
Key plain(const char* name, Type type, const char* fallback, const char* description);
// A text that is never shown.
Key secret(const char* name, const char* description);
Key size(const char* name, const char* fallback, const char* min, const char* max,
         const char* description);
Key duration(const char* name, const char* fallback, const char* min, const char* max,
             const char* description);
// unit: what is counted, in the plural.
Key number(const char* name, const char* fallback, const char* min, const char* max,
           const char* unit, const char* description);
Key choice(const char* name, const char* fallback, std::vector<std::string> choices,
           const char* description);
Key url(const char* name, std::vector<std::string> schemes, const char* description);

}  // namespace fastmeta::config
