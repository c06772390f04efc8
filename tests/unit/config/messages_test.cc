// SPDX-License-Identifier: GPL-3.0-or-later
// What a user reads when a file is wrong: the exact lines.
#include <gtest/gtest.h>

#include <string>

#include "sample_schema.h"

namespace fastmeta::config {
namespace {

struct Case {
  const char* text;
  const char* message;
};

const std::string kSize =
    "; allowed: a size such as 64MiB, 4M, 1GiB or a number of bytes, from 0 to 1TiB";
const std::string kDuration =
    "; allowed: a duration such as 500ms, 10s, 2m, 1h, from 1s to 24h";
const std::string kNumber = "; allowed: a number of threads from 1 to 64";

TEST(Messages, NameTheUnknownKeyAndTheOneThatWasMeant) {
  const Case cases[] = {
      {"cache:\n  memroy-max: 1M\n",
       "f.yaml:2: key 'cache.memroy-max' is not known; did you mean 'cache.memory-max'?"},
      {"cahce:\n  memory-max: 1M\n",
       "f.yaml:1: key 'cahce' is not known; did you mean 'cache'?"},
      {"memory-max: 1M\n",
       "f.yaml:1: key 'memory-max' is not known; did you mean 'cache.memory-max'?"},
      {"hots:\n  a: 1\n", "f.yaml:1: key 'hots' is not known; did you mean 'host'?"},
      {"cache:\n  zzzzzzzz: 1\n",
       "f.yaml:2: key 'cache.zzzzzzzz' is not known; known here: on, memory-max, ttl, pool"},
      {"meta: {x: 1}\n",
       "f.yaml:1: key 'meta.x' is not known; known here: url, password, name"},
      {"zzzzzzzz: {a: {b: c}}\n",
       "f.yaml:1: key 'zzzzzzzz' is not known; known here: mode, cache, meta, log"},
      {"cache.ttl: 1h\n",
       "f.yaml:1: key 'cache.ttl': has a dot; write sections, one below the other"},
      {"ttl.x: 1h\n", "f.yaml:1: key 'ttl.x': has a dot; write sections, one below the other"},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.text), c.message);
}

TEST(Messages, SayWhatAValueMayBe) {
  const std::pair<const char*, std::string> cases[] = {
      {"mode: quick\n",
       "f.yaml:1: key 'mode': 'quick' is not one of the choices; allowed: slow, fast"},
      {"mode: ''\n", "f.yaml:1: key 'mode': '' is not one of the choices; allowed: slow, fast"},
      {"cache: {on: yes}\n",
       "f.yaml:1: key 'cache.on': 'yes' is neither true nor false; allowed: true or false"},
      {"cache: {memory-max: 64MB}\n",
       "f.yaml:1: key 'cache.memory-max': '64MB' is not a size" + kSize},
      {"cache: {memory-max: 2TiB}\n",
       "f.yaml:1: key 'cache.memory-max': '2TiB' is out of range" + kSize},
      {"cache: {memory-max: -1}\n",
       "f.yaml:1: key 'cache.memory-max': '-1' is not a size" + kSize},
      {"cache: {ttl: 10}\n", "f.yaml:1: key 'cache.ttl': '10' has no unit" + kDuration},
      {"cache: {ttl: soon}\n", "f.yaml:1: key 'cache.ttl': 'soon' is not a duration" + kDuration},
      {"cache: {ttl: 0}\n", "f.yaml:1: key 'cache.ttl': '0' is out of range" + kDuration},
      {"cache: {ttl: 25h}\n", "f.yaml:1: key 'cache.ttl': '25h' is out of range" + kDuration},
      {"cache:\n  pool:\n    count: 1.5\n",
       "f.yaml:3: key 'cache.pool.count': '1.5' is not a whole number" + kNumber},
      {"cache: {pool: {count: 65}}\n",
       "f.yaml:1: key 'cache.pool.count': '65' is out of range" + kNumber},
      {"cache: {pool: {count: -3}}\n",
       "f.yaml:1: key 'cache.pool.count': '-3' is out of range" + kNumber},
      {"cache: {pool: {count: 99999999999999999999}}\n",
       "f.yaml:1: key 'cache.pool.count': '99999999999999999999' is not a whole number" + kNumber},
      {"meta: {url: 'http://h'}\n",
       "f.yaml:1: key 'meta.url': the value is not a valid URL: its scheme is not known; "
       "allowed: a URL of the scheme redis, unix"},
      {"log: {file: here.log}\n",
       "f.yaml:1: key 'log.file': 'here.log' is not an absolute path; allowed: an absolute path"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of(text), message);
}

TEST(Messages, TellShapesApart) {
  const std::pair<const char*, std::string> cases[] = {
      {"cache: 5\n",
       "f.yaml:1: key 'cache' is a section, it holds keys: on, memory-max, ttl, pool.count"},
      {"cache: [1]\n",
       "f.yaml:1: key 'cache' is a section, it holds keys: on, memory-max, ttl, pool.count"},
      {"mode: {a: b, c: {d: e}}\n",
       "f.yaml:1: key 'mode': a section stands in place of a value; allowed: slow, fast"},
      {"mode: [slow]\n",
       "f.yaml:1: key 'mode': a list stands in place of a value; allowed: slow, fast"},
      {"mode:\n", "f.yaml:1: key 'mode': has no value; allowed: slow, fast"},
      {"mode: ~\n", "f.yaml:1: key 'mode': has no value; allowed: slow, fast"},
      {"log: {tags: x}\n",
       "f.yaml:1: key 'log.tags': a word stands in place of a list; allowed: a list of words"},
      {"log: {tags: [[x]]}\n",
       "f.yaml:1: key 'log.tags': a list holds words only, no lists and no sections"},
      {"log: {tags: [x, {y: z}]}\n",
       "f.yaml:1: key 'log.tags': a list holds words only, no lists and no sections"},
      {"log: {tags: [x, ]}\nmode: fats\n",
       "f.yaml:2: key 'mode': 'fats' is not one of the choices; allowed: slow, fast"},
      {"log:\n  tags:\n    - x\n    -\n",
       "f.yaml:2: key 'log.tags': an element of the list is empty"},
      {"- mode\n", "f.yaml:1: expected sections and keys, as in 'mode: passthrough'"},
      {"just words\n", "f.yaml:1: expected sections and keys, as in 'mode: passthrough'"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of(text), message);
}

TEST(Messages, GiveTheLineOfBrokenYaml) {
  const Case cases[] = {
      {"cache:\n  ttl: 1h\n ttl: 2h\n", "f.yaml:3: not valid YAML: end of map not found"},
      {"log: {tags: [a\nmode: slow\n", "f.yaml:2: not valid YAML: end of sequence flow not found"},
      {"mode: 'slow", "f.yaml:1: not valid YAML: illegal EOF in scalar"},
      {"mode: 'slow\n", "f.yaml:1: not valid YAML: illegal EOF in scalar"},
      {"meta:\n  password: \"x\n  name: y\n\n",
       "f.yaml:3: not valid YAML: illegal EOF in scalar"},
      {"mode: b: c\n", "f.yaml:1: not valid YAML: illegal map value"},
      {"mode: slow\n\x04 what: now\n", "f.yaml:2: control character 0x04"},
      {"cache:\n  ttl: 1h\n  on: true\n  ttl: 2h\n",
       "f.yaml:4: key 'cache.ttl': is given twice, first in line 2"},
      {"cache: {ttl: 1h}\nmode: slow\ncache: {on: true}\n",
       "f.yaml:3: key 'cache': is given twice, first in line 1"},
      {"mode: slow\n---\nmode: fast\n", "f.yaml: holds more than one document (a line '---')"},
      {"mode: !!str slow\n", "f.yaml:1: key 'mode': tags (!name) are not supported"},
      {"cache: !x {ttl: 5h}\n", "f.yaml:1: key 'cache': tags (!name) are not supported"},
      {"meta: {name: &a b}\nmode: *a\n",
       "f.yaml:2: key 'mode': aliases (*name) are not supported; write the value"},
      {"? [a, b]\n: c\n", "f.yaml:1: a key must be a word, not a list or a section"},
      {"'': c\n", "f.yaml:1: a key is empty"},
      {"~: c\n", "f.yaml:1: a key is empty"},
  };
  for (const Case& c : cases) EXPECT_EQ(error_of(c.text).substr(0, 120), c.message) << c.text;
}

TEST(Messages, ReportAllMistakesInTheOrderOfTheFileThenThoseOfOptions) {
  EXPECT_EQ(error_of("mode: quick\ncache:\n  on: true\n  on: false\n  pool: {count: x}\n",
                     {"cache.ttl=5", "cache=1", "x=y"}),
            "f.yaml:1: key 'mode': 'quick' is not one of the choices; allowed: slow, fast\n"
            "f.yaml:4: key 'cache.on': is given twice, first in line 3\n"
            "f.yaml:5: key 'cache.pool.count': 'x' is not a whole number" + kNumber + "\n"
            "option: key 'cache.ttl': '5' has no unit" + kDuration + "\n"
            "option: key 'cache' is a section, it holds keys: on, memory-max, ttl, pool.count\n"
            "option: key 'x' is not known; known here: mode, cache, meta, log");
}

TEST(Messages, StopAfterTheFirstTen) {
  std::string text;
  for (int i = 0; i < 25; ++i) text += "unknown-key-" + std::to_string(i) + ": 1\n";
  const std::string error = error_of(text);
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 10);
  EXPECT_TRUE(error.ends_with("\nand 15 more")) << error;
}

TEST(Messages, KeepSecretsToThemselves) {
  EXPECT_EQ(error_of("meta: {password: 'hush${NO_SUCH_VARIABLE}'}\n"),
            "f.yaml:1: key 'meta.password': the environment variable NO_SUCH_VARIABLE is not set");
  EXPECT_EQ(error_of("meta: {url: 'redis://u:hush@h:port'}\n").find("hush"), std::string::npos);
}

TEST(Messages, DoNotCarryTerminalControlsOrEndlessValues) {
  const std::string error = error_of("mode: \"\\e[2J" + std::string(500, 'x') + "\"\n");
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
  EXPECT_TRUE(error.find("'\\x1b[2Jxxx") != std::string::npos) << error;
  EXPECT_LT(error.size(), 250u);
}

TEST(Messages, OfOptionsSayHowOneIsWritten) {
  const char* const expected = "': expected key=value, as in cache.ttl=10m";
  EXPECT_EQ(error_of("", {"cache.ttl"}), std::string("option 'cache.ttl") + expected);
  EXPECT_EQ(error_of("", {"=5"}), std::string("option '") + expected);
  EXPECT_EQ(error_of("", {""}), std::string("option '") + expected);
}

TEST(Messages, AreConfigurationErrors) {
  const auto loaded = load_text("mode: quick\n");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().fault, Fault::kConfig);
  EXPECT_EQ(loaded.error().code, EINVAL);
}

}  // namespace
}  // namespace fastmeta::config
