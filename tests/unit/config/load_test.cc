// SPDX-License-Identifier: GPL-3.0-or-later
// What files and overrides that are right come to.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "sample_schema.h"

namespace fastmeta::config {
namespace {

using namespace std::chrono_literals;

TEST(Loading, GivesDefaultsForAnEmptyFile) {
  for (const char* text : {"", "\n\n", "# only words\n", "---\n", "{}\n", "cache:\nmeta:\n",
                           "\xef\xbb\xbf" "mode: slow\n", "~\n"}) {
    auto values = load_text(text);
    ASSERT_TRUE(values) << text << values.error().text;
    EXPECT_EQ(values->text("mode"), "slow");
    EXPECT_TRUE(values->flag("cache.on"));
    EXPECT_EQ(values->size("cache.memory-max"), 256u << 20);
    EXPECT_EQ(values->duration("cache.ttl"), 1h);
    EXPECT_EQ(values->integer("cache.pool.count"), 4);
    EXPECT_EQ(values->text("meta.url"), "");
    EXPECT_EQ(values->list("log.tags"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(values->origin("cache.ttl"), "default");
  }
}

TEST(Loading, TakesEveryTypeAndItsLine) {
  auto values = load_text(
      "mode: fast\n"
      "cache:\n"
      "  on: false\n"
      "  memory-max: 0\n"
      "  ttl: 90s\n"
      "  pool: {count: 64}\n"
      "meta: {url: 'redis://:p@h:1/2?x=y', password: p, name: 'a: b # c'}\n"
      "log:\n"
      "  file: /var/log/x\n"
      "  tags:\n"
      "    - one\n"
      "    - 'two, three'\n");
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(values->text("mode"), "fast");
  EXPECT_FALSE(values->flag("cache.on"));
  EXPECT_EQ(values->size("cache.memory-max"), 0u);
  EXPECT_EQ(values->duration("cache.ttl"), 90s);
  EXPECT_EQ(values->integer("cache.pool.count"), 64);
  EXPECT_EQ(values->text("meta.name"), "a: b # c");
  EXPECT_EQ(values->text("log.file"), "/var/log/x");
  EXPECT_EQ(values->list("log.tags"), (std::vector<std::string>{"one", "two, three"}));
  EXPECT_EQ(values->origin("cache.pool.count"), "f.yaml:6");
  EXPECT_EQ(values->origin("log.tags"), "f.yaml:10");
}

TEST(Loading, SkipsSectionsOfOthersWhateverTheyHold) {
  auto values = load_text("host:\n  a: [[1], {b: c}]\n  a: 2\n  x.y: !z ${NO_SUCH_VARIABLE}\n",
                          {"host.zzz=1", "host=2", "mode=fast"});
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(values->text("mode"), "fast");
}

TEST(Loading, OfOneSectionSkipsAllOthers) {
  const Schema schema({number("host.n", "1", "0", "9", "things", "How many.")},
                      std::string("host"));
  const std::vector<Override> overrides = {{"cache.ttl", "nonsense", "option"}};
  auto values = load(schema, Source{"f", "whatever: [[1]]\nhost: {n: 3}\n"}, overrides);
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(values->integer("host.n"), 3);
  auto wrong = load(schema, Source{"f", "whatever: [[1]]\nhost: {zzzz: 3}\n"}, overrides);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text, "f:2: key 'host.zzzz' is not known; known here: n");
}

TEST(Loading, LetsLaterSourcesWinAndRemembersThem) {
  const std::vector<Override> overrides = {{"cache.ttl", "2h", "option"},
                                           {"cache.ttl", "3h", "option"},
                                           {"log.tags", "x,,y", "option"},
                                           {"meta.url", "redis://h", "command line"}};
  auto values = load(sample_schema(), Source{"f", "cache: {ttl: 4h, on: false}\n"}, overrides);
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(values->duration("cache.ttl"), 3h);
  EXPECT_EQ(values->origin("cache.ttl"), "option");
  EXPECT_EQ(values->list("log.tags"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(values->origin("meta.url"), "command line");
  EXPECT_EQ(values->origin("cache.on"), "f:1");
  EXPECT_EQ(values->origin("mode"), "default");
}

TEST(Loading, ReplacesEnvironmentVariables) {
  ASSERT_EQ(setenv("FASTMETA_TEST_TTL", "5m", 1), 0);
  ASSERT_EQ(setenv("FASTMETA_TEST_B", "b${FASTMETA_TEST_TTL}", 1), 0);
  auto values = load_text(
      "cache: {ttl: '${FASTMETA_TEST_TTL}'}\n"
      "meta:\n"
      "  name: ${FASTMETA_TEST_TTL}-$${x}-$y-${FASTMETA_TEST_B}\n"
      "log: {tags: ['${FASTMETA_TEST_TTL}', c]}\n");
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(values->duration("cache.ttl"), 5min);
  EXPECT_EQ(values->origin("cache.ttl"), "f.yaml:1 (environment FASTMETA_TEST_TTL)");
  // Once only: what a variable holds is not looked into.
  EXPECT_EQ(values->text("meta.name"), "5m-${x}-$y-b${FASTMETA_TEST_TTL}");
  EXPECT_EQ(values->origin("meta.name"),
            "f.yaml:3 (environment FASTMETA_TEST_TTL, FASTMETA_TEST_B)");
  EXPECT_EQ(values->list("log.tags"), (std::vector<std::string>{"5m", "c"}));
}

TEST(Loading, RefusesVariablesThatAreNotThere) {
  ASSERT_EQ(unsetenv("FASTMETA_TEST_NONE"), 0);
  EXPECT_EQ(error_of("a: 1\nmeta: {name: 'x${FASTMETA_TEST_NONE}'}\n"),
            "f.yaml:1: key 'a' is not known; known here: mode, cache, meta, log\n"
            "f.yaml:2: key 'meta.name': the environment variable FASTMETA_TEST_NONE is not set");
  const std::string name =
      "f.yaml:1: key 'meta.name': between '${' and '}' stands the name of an environment "
      "variable; write $${ for a literal ${";
  for (const char* text : {"'${}'", "'${a b}'", "'${1}'", "'${A:-b}'", "'${${A}}'"})
    EXPECT_EQ(error_of(std::string("meta: {name: ") + text + "}\n"), name) << text;
  EXPECT_EQ(error_of("meta: {name: 'x${A'}\n"),
            "f.yaml:1: key 'meta.name': '${' has no '}'; write $${ for a literal ${");
}

TEST(Loading, QuotesTheTextAsWrittenWhenAVariableIsWrong) {
  ASSERT_EQ(setenv("FASTMETA_TEST_WRONG", "something private", 1), 0);
  const std::string error = error_of("cache: {ttl: '${FASTMETA_TEST_WRONG}'}\n");
  EXPECT_NE(error.find("'${FASTMETA_TEST_WRONG}' is not a duration"), std::string::npos) << error;
}

TEST(EffectiveValues, AreJsonWithOriginsAndWithoutSecrets) {
  auto values = load_text(
      "cache: {ttl: 120m}\n"
      "meta: {url: 'redis://u:hush@h/1', password: hush}\n", {"cache.memory-max=1048576"});
  ASSERT_TRUE(values) << values.error().text;
  const std::string text = values->json();
  EXPECT_EQ(text.find("hush"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.size(), sample_schema().keys().size());
  const auto expect = [&](const char* key, nlohmann::json value, const char* from) {
    EXPECT_EQ(json.at(key), (nlohmann::json{{"value", value}, {"from", from}})) << key;
  };
  expect("mode", "slow", "default");
  expect("cache.on", true, "default");
  expect("cache.memory-max", "1MiB", "option");
  expect("cache.ttl", "2h", "f.yaml:1");
  expect("cache.pool.count", 4, "default");
  expect("meta.url", "redis://u:***@h/1", "f.yaml:2");
  expect("meta.password", "***", "f.yaml:2");
  expect("meta.name", "", "default");
  expect("log.tags", {"a", "b"}, "default");
  EXPECT_EQ(nlohmann::json::parse(values->json(-1)), json);
}

TEST(EffectiveValues, ShowAnUnsetSecretAsEmpty) {
  auto values = load_text("");
  ASSERT_TRUE(values);
  EXPECT_EQ(nlohmann::json::parse(values->json())["meta.password"]["value"], "");
}

TEST(EffectiveValues, SurviveBytesThatAreNoText) {
  auto values = load_text("", {"meta.name=\xff\xfe"});
  ASSERT_TRUE(values);
  EXPECT_TRUE(nlohmann::json::accept(values->json()));
}

TEST(Files, ThatCannotBeReadAreNamed) {
  const auto missing = read_source("/nonexistent/f.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text,
            "/nonexistent/f.yaml: cannot be read: No such file or directory");
  const auto folder = read_source("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().text, "/: cannot be read: Is a directory");
  // Neither is a pipe, which could be read once only.
  const auto device = read_source("/dev/null");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().text,
            "/dev/null: is not a regular file; put the configuration into one");
}

TEST(Files, LargerThanAnyConfigurationAreRefused) {
  EXPECT_EQ(error_of(std::string((1u << 20) + 1, '#')),
            "f.yaml: is larger than 1048576 bytes, no configuration is");
  EXPECT_EQ(error_of(std::string(1u << 20, '#')), "no error");
}

}  // namespace
}  // namespace fastmeta::config
