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

// The keys that a mode has no use for; its file leaves them out.
bool is_of_mode(const std::string& key, const std::string& mode) {
  if (mode == "fast-meta")
    return key != "cache.memory-max" && key != "cache.ttl" && key != "cache.open";
  if (key == "cache.max-size" || key == "disconnect-grace") return false;
  for (const char* section : {"store.", "backlog.", "sync.", "conflicts.", "exclusive.",
                              "fsync.", "umount."})
    if (key.starts_with(section)) return false;
  return true;
}

nlohmann::json effective(const std::optional<std::string>& file,
                         const std::vector<std::string>& options = {}) {
  // Unknown keys are errors.
  auto config = load_plugin_config(file, {}, {}, options);
  EXPECT_TRUE(config) << (config ? "" : config.error().text);
  return config ? nlohmann::json::parse(config->effective_json) : nlohmann::json::object();
}

class DocumentedFile : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Modes, DocumentedFile, testing::ValuesIn(kDocumentedModes),
                         [](const auto& one) {
                           return std::string(one.param) == "fast-meta" ? "FastMeta"
                                                                        : "Passthrough";
                         });

TEST_P(DocumentedFile, HasEveryKeyOfItsModeAndNoOther) {
  const auto values = effective(documented_file(GetParam()));
  // A key whose value comes from no line is missing.
  for (const auto& [key, value] : values.items())
    EXPECT_EQ(value["from"] != "default", is_of_mode(key, GetParam())) << key;
}

TEST_P(DocumentedFile, HasTheDefaultsOfTheCode) {
  const auto documented = effective(documented_file(GetParam()));
  const auto code = effective({}, {std::string("mode=") + GetParam()});
  for (const auto& [key, value] : code.items())
    EXPECT_EQ(documented[key]["value"], value["value"]) << key;
}

TEST_P(DocumentedFile, SaysOfEveryKeyWhatItTakesAndWhy) {
  const DocumentedKeys documented = documented_keys(GetParam());
  for (const Key& key : plugin_schema().keys())
    if (is_of_mode(key.name, GetParam())) expect_documented(documented, key.name, summary(key));
}

TEST(JsonSchema, IsWhatTheCodeGenerates) {
  auto generated = nlohmann::ordered_json::parse(plugin_schema().json_schema());
  auto file = read_json_schema();
  // The section `host` is checked, and generated, by the host's test.
  generated["properties"]["host"] = file["properties"]["host"];
  expect_json_schema(file, generated, "unit_config");
}

TEST(JsonSchema, KnowsEveryKey) {
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
