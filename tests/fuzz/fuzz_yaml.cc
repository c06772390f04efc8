// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a configuration file: effective values or an error with a text.
#include <cstdint>
#include <string>
#include <string_view>

#include "config/plugin_config.h"
#include "config/units.h"
#include "config/yaml_schema.h"
#include "util/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fastmeta::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto loaded = load(plugin_schema(), Source{"fuzz", text}, {});
  if (loaded)
    MDP_CHECK(!loaded->json().empty());
  else
    MDP_CHECK(!loaded.error().text.empty());

  // What is read back from its written form is the same.
  if (const auto bytes = parse_size(text)) MDP_CHECK(parse_size(format_size(*bytes)) == bytes);
  if (const auto ms = parse_duration(text)) MDP_CHECK(parse_duration(format_duration(*ms)) == ms);
  mask_url(text);
  url_parameter(text, "fast-meta");
  return 0;
}
