// SPDX-License-Identifier: GPL-3.0-or-later
// A small schema with a key of every type, so that messages are tested apart from the product's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/key_table.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {

inline const Schema& sample_schema() {
  static const Schema schema(
      {
          choice("mode", "slow", {"slow", "fast"}, "How."),
          plain("cache.on", Type::kBool, "true", "Whether."),
          size("cache.memory-max", "256MiB", "0", "1TiB", "How much."),
          duration("cache.ttl", "1h", "1s", "24h", "How long."),
          number("cache.pool.count", "4", "1", "64", "threads", "How many."),
          url("meta.url", {"redis", "unix"}, "Where."),
          secret("meta.password", "By which right."),
          plain("meta.name", Type::kString, "", "Whose."),
          plain("log.file", Type::kPath, "", "Where to."),
          plain("log.tags", Type::kList, "a,b", "Which."),
      },
      std::vector<std::string>{"host"});
  return schema;
}

// Loads a file of this text, called "f.yaml", and option lines.
inline Result<Values> load_text(std::string text, std::vector<std::string> options = {}) {
  MDP_TRY(std::vector<Override> overrides, parse_options(options));
  return load(sample_schema(), Source{"f.yaml", std::move(text)}, overrides);
}

inline std::string error_of(std::string text, std::vector<std::string> options = {}) {
  const Result<Values> loaded = load_text(std::move(text), std::move(options));
  return loaded ? "no error" : loaded.error().text;
}

}  // namespace fastmeta::config
