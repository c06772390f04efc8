// SPDX-License-Identifier: GPL-3.0-or-later
// The commented file and the JSON schema say what the code says.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/plugin_config.h"
#include "config/yaml_schema.h"
#include "support/documented_file.h"

namespace fastmeta::config {
namespace {

TEST(DocumentedFile, HasEveryKeyAndNoOther) {
  // Unknown keys are errors; a key whose value comes from no line is missing.
  auto config = load_plugin_config(documented_file(), {}, {}, {});
  ASSERT_TRUE(config) << config.error().text;
  const auto values = nlohmann::json::parse(config->effective_json);
  for (const auto& [key, value] : values.items())
    EXPECT_NE(value["from"], "default") << key << " is not in config/passthrough.yaml";
}

TEST(DocumentedFile, HasTheDefaultsOfTheCode) {
  auto documented = load_plugin_config(documented_file(), {}, {}, {});
  auto defaults = load_plugin_config({}, {}, {}, {});
  ASSERT_TRUE(documented && defaults);
  const auto left = nlohmann::json::parse(documented->effective_json);
  const auto right = nlohmann::json::parse(defaults->effective_json);
  for (const auto& [key, value] : right.items())
    EXPECT_EQ(left[key]["value"], value["value"]) << key;
}

TEST(DocumentedFile, SaysOfEveryKeyWhatItTakesAndWhy) {
  const DocumentedKeys documented = documented_keys();
  for (const Key& key : plugin_schema().keys())
    expect_documented(documented, key.name, summary(key));
}

TEST(JsonSchema, IsWhatTheCodeGenerates) {
  auto generated = nlohmann::ordered_json::parse(plugin_schema().json_schema());
  auto file = read_json_schema();
  // The section `host` is checked, and generated, by the host's test.
  generated["properties"]["host"] = file["properties"]["host"];
  expect_json_schema(file, generated, "unit_config");
}

TEST(JsonSchema, KnowsEveryKeyOfTheDocumentedFile) {
  const auto file = read_json_schema();
  for (const Key& key : plugin_schema().keys()) {
    const auto* at = &file;
    std::istringstream parts(key.name);
    for (std::string part; std::getline(parts, part, '.');) {
      ASSERT_TRUE(at->contains("properties") && (*at)["properties"].contains(part)) << key.name;
      EXPECT_EQ((*at)["additionalProperties"], false) << key.name;
      at = &(*at)["properties"][part];
    }
    EXPECT_TRUE(at->contains("description")) << key.name;
  }
}

}  // namespace
}  // namespace fastmeta::config
