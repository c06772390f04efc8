// SPDX-License-Identifier: GPL-3.0-or-later
// No text, however broken, crashes, hangs or eats memory. The seed is printed on failure.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <random>

#include "config/plugin_config.h"
#include "config/yaml_reader.h"
#include "config/yaml_schema.h"
#include "support/documented_file.h"

namespace fastmeta::config {
namespace {

constexpr uint32_t kSeed = 20240917;
const char* const kPieces[] = {"a",   ": ", ":",  "\n", "\n  ", "- ",  "[",   "]",    "{",
                               "}",   ",",  "&a ", "*a", "!!x ", "\"",  "'",   "|\n",  ">\n",
                               "? ",  "#",  "---\n", "...\n", "%YAML 1.2\n", "~", "${HOME}",
                               "\t", "\r\n", "cache", "ttl", "1h", "\\x41", "\xc3\xa4", "\xff",
                               "<<: ", "@", "`", "%TAG ! x\n", "null"};

// Either effective values or an error with a text: nothing else may come out.
void load_any(const std::string& text) {
  const auto loaded = load(plugin_schema(), Source{"f", text}, {});
  EXPECT_TRUE(loaded || !loaded.error().text.empty());
}

std::string documented_text() {
  std::ifstream in(documented_file());
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(BrokenYaml, OfRandomPiecesGivesValuesOrAnError) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
    std::string text;
    for (auto left = random() % 40; left > 0; --left)
      text += kPieces[random() % std::size(kPieces)];
    load_any(text);
  }
}

TEST(BrokenYaml, OfAMutatedRealFileGivesValuesOrAnError) {
  const std::string whole = documented_text();
  ASSERT_GT(whole.size(), 1000u);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 1'000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
    // A stretch of it, so that a round is short.
    const size_t from = random() % whole.size();
    std::string text = whole.substr(from, 200 + random() % 2000);
    for (auto left = 1 + random() % 8; left > 0; --left) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 20); break;
        case 2: text.insert(at, kPieces[random() % std::size(kPieces)]); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 50)); break;
      }
      if (text.empty()) text = " ";
    }
    load_any(text);
  }
}

TEST(BrokenYaml, EveryPrefixOfARealFileGivesValuesOrAnError) {
  const std::string whole = documented_text().substr(0, 6000);
  for (size_t end = 0; end < whole.size(); end += 7) load_any(whole.substr(0, end));
}

struct Bomb {
  const char* name;
  std::string text;
};

std::string repeated(const std::string& piece, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += piece;
  return out;
}

std::string billion_laughs() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) text += ", " + before;
    text += "]\n";
  }
  return text;
}

std::string staircase() {
  std::string text;
  for (size_t depth = 0; depth < 1000; ++depth) text += std::string(depth, ' ') + "a:\n";
  return text;
}

TEST(HostileYaml, IsRefusedBeforeItCosts) {
  const size_t many = 300'000;
  const Bomb bombs[] = {
      {"flow lists", repeated("[", many)},
      {"flow maps", repeated("{a: ", many)},
      {"block lists", repeated("- ", many)},
      {"complex keys", repeated("? ", many)},
      {"mixed", repeated("[{a: ", many / 4)},
      {"staircase", staircase()},
      {"aliases", billion_laughs()},
      {"alias to itself", "mode: &a [*a]\n"},
      {"merge", "cache: &c {ttl: 1h}\nids:\n  <<: *c\n"},
  };
  for (const Bomb& bomb : bombs) {
    const auto start = std::chrono::steady_clock::now();
    const auto loaded = load(plugin_schema(), Source{"f", bomb.text}, {});
    EXPECT_FALSE(loaded) << bomb.name;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << bomb.name;
  }
}

TEST(HostileYaml, MayNestAsDeepAsTheLimitAndNoDeeper) {
  const auto nested = [](size_t depth) {
    return "host: " + repeated("[", depth) + repeated("]", depth) + "\n";
  };
  // The file itself is the first level.
  EXPECT_TRUE(load(plugin_schema(), Source{"f", nested(kDepthMax - 1)}, {}));
  const auto refused = load(plugin_schema(), Source{"f", nested(kDepthMax)}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "f:1: nested deeper than 16 levels");
}

}  // namespace
}  // namespace fastmeta::config
