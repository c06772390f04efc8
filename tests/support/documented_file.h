// SPDX-License-Identifier: GPL-3.0-or-later
// Reading the commented files of config/ as a reader does: comments and the keys below them.
// Shared by the tests of the plugin's keys and of the host's.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fastmeta::config {

inline constexpr const char* kDocumentedModes[] = {"passthrough", "fast-meta"};

inline std::string documented_file(const std::string& mode = "passthrough") {
  return FASTMETA_SOURCE_DIR "/config/" + mode + ".yaml";
}

// Dotted path -> the lines of the comment right above the key, without "# ".
using DocumentedKeys = std::map<std::string, std::vector<std::string>>;

inline DocumentedKeys documented_keys(const std::string& mode = "passthrough") {
  DocumentedKeys out;
  std::ifstream in(documented_file(mode));
  std::vector<std::string> sections, comment;
  for (std::string line; std::getline(in, line);) {
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) {
      comment.clear();
    } else if (line[indent] == '#') {
      comment.push_back(line.substr(std::min(indent + 2, line.size())));
    } else {
      sections.resize(indent / 2);
      sections.push_back(line.substr(indent, line.find(':') - indent));
      std::string path;
      for (const std::string& section : sections) path += (path.empty() ? "" : ".") + section;
      out[path] = comment;
      comment.clear();
    }
  }
  return out;
}

inline void expect_documented(const DocumentedKeys& keys, const std::string& name,
                              const std::string& summary) {
  const auto found = keys.find(name);
  ASSERT_NE(found, keys.end()) << name << " is not documented";
  ASSERT_GE(found->second.size(), 2u) << name << ": a reason, then [" << summary << "]";
  EXPECT_EQ(found->second.back(), "[" + summary + "]") << name;
}

inline std::string json_schema_file() {
  return FASTMETA_SOURCE_DIR "/config/fastmeta.schema.json";
}

inline nlohmann::ordered_json read_json_schema() {
  std::ifstream in(json_schema_file());
  auto json = nlohmann::ordered_json::parse(in, nullptr, false);
  return json.is_object() ? json : nlohmann::ordered_json::object();
}

// Fails when the file is not what is generated; writes it when asked to.
inline void expect_json_schema(const nlohmann::ordered_json& file,
                               const nlohmann::ordered_json& generated, const char* test) {
  if (getenv("FASTMETA_REGENERATE") != nullptr) {
    std::ofstream(json_schema_file()) << generated.dump(2) << "\n";
    return;
  }
  const std::string is = file.dump(2), should = generated.dump(2);
  const auto differ = std::mismatch(is.begin(), is.end(), should.begin(), should.end());
  const auto line = [](const std::string& text, std::string::const_iterator at) {
    const size_t here = static_cast<size_t>(at - text.begin());
    const size_t start = here == 0 ? 0 : text.rfind('\n', here - 1) + 1;
    return text.substr(start, text.find('\n', start) - start);
  };
  EXPECT_TRUE(is == should) << "config/fastmeta.schema.json is stale:\n  "
                            << line(is, differ.first) << "\nshould be\n  "
                            << line(should, differ.second)
                            << "\nto write it anew: FASTMETA_REGENERATE=1 " << test
                            << " --gtest_filter=*JsonSchema*";
}

}  // namespace fastmeta::config
