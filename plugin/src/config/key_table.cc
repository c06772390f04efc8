// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/key_table.h"

#include <utility>

namespace fastmeta::config {
namespace {

Key with_range(Key key, const char* min, const char* max) {
  key.min = min;
  key.max = max;
  return key;
}

}  // namespace

Key plain(const char* name, Type type, const char* fallback, const char* description) {
  Key key;
  key.name = name;
  key.type = type;
  key.fallback = fallback;
  key.description = description;
  return key;
}

Key secret(const char* name, const char* description) {
  Key key = plain(name, Type::kString, "", description);
  key.secret = true;
  return key;
}

Key size(const char* name, const char* fallback, const char* min, const char* max,
         const char* description) {
  return with_range(plain(name, Type::kSize, fallback, description), min, max);
}

Key duration(const char* name, const char* fallback, const char* min, const char* max,
             const char* description) {
  return with_range(plain(name, Type::kDuration, fallback, description), min, max);
}

Key number(const char* name, const char* fallback, const char* min, const char* max,
           const char* unit, const char* description) {
  Key key = with_range(plain(name, Type::kInteger, fallback, description), min, max);
  key.unit = unit;
  return key;
}

Key choice(const char* name, const char* fallback, std::vector<std::string> choices,
           const char* description) {
  Key key = plain(name, Type::kEnum, fallback, description);
  key.choices = std::move(choices);
  return key;
}

Key url(const char* name, std::vector<std::string> schemes, const char* description) {
  Key key = plain(name, Type::kUrl, "", description);
  key.choices = std::move(schemes);
  return key;
}

}  // namespace fastmeta::config
