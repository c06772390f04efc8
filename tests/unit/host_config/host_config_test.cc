// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/host_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/documented_file.h"

namespace fastmeta::host {
namespace {

using namespace std::chrono_literals;

// The first level of `host_config` as a file called f.yaml, and option lines.
std::optional<HostConfig> load_text(const std::string& text,
                                    const std::vector<std::string>& options, std::string* why) {
  std::string pattern = testing::TempDir() + "fastmeta-host-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  std::ofstream(folder + "/f.yaml", std::ios::binary) << text;
  auto config = load_host_config(folder + "/f.yaml", options, why);
  for (size_t at; (at = why->find(folder + "/")) != std::string::npos;)
    why->erase(at, folder.size() + 1);
  std::filesystem::remove_all(folder);
  return config;
}

std::string error_of(const std::string& text, const std::vector<std::string>& options = {}) {
  std::string why;
  return load_text(text, options, &why) ? "no error" : why;
}

TEST(HostConfig, DefaultsAreThoseOfTheDocumentation) {
  std::string why;
  const auto config = load_host_config({}, {}, &why);
  ASSERT_TRUE(config) << why;
  EXPECT_FALSE(config->mount.allow_other);
  EXPECT_EQ(config->mount.fsname, "");
  EXPECT_FALSE(config->mount.read_only);
  EXPECT_TRUE(config->mount.options.empty());
  EXPECT_EQ(config->kernel.entry_timeout, 60s);
  EXPECT_EQ(config->kernel.attr_timeout, 60s);
  EXPECT_EQ(config->kernel.negative_timeout, 60s);
  EXPECT_EQ(config->kernel.table_entries, 1'000'000u);
  const DataOptions data;  // of who uses them
  EXPECT_EQ(config->data.write_buffer_bytes, data.write_buffer_bytes);
  EXPECT_EQ(config->data.flush_age, data.flush_age);
  EXPECT_EQ(config->data.upload_threads, data.upload_threads);
  EXPECT_EQ(config->data.block_cache_bytes, data.block_cache_bytes);
  EXPECT_EQ(config->data.readahead_bytes, data.readahead_bytes);
  EXPECT_EQ(config->data.download_threads, data.download_threads);
  EXPECT_EQ(config->data.compact, data.compact);
  EXPECT_EQ(config->data.sync, data.sync);
  EXPECT_EQ(config->data.missing_object_retry, data.missing_object_retry);
  EXPECT_EQ(config->log.level, MDP_LOG_INFO);
  EXPECT_EQ(config->log.file, "");
  EXPECT_EQ(config->control_socket, "");
  EXPECT_EQ(config->stop_timeout, 30s);
  EXPECT_EQ(config->threads_idle_max, 16u);
  EXPECT_EQ(config->threads_max, 1024u);
}

TEST(HostConfig, EveryKeyReachesItsField) {
  std::string why;
  const auto config = load_text(R"(
a-plugin-of-others: {whatever: [[it, wants]]}
host:
  mount: {allow-other: true, fsname: vol, read-only: true, options: [noatime, nodev]}
  kernel: {entry-timeout: 1s, attr-timeout: 2s, negative-timeout: 3s, table-entries: 4}
  data:
    write-buffer: 50MiB
    flush-age: 6s
    upload-threads: 7
    block-cache: 8
    readahead: 9
    download-threads: 10
    compact: false
    sync: never
    missing-object-retry: 1500ms
  log: {level: error, file: /l}
  control: {socket: /s}
  stop-timeout: 11s
  threads: {idle-max: 12, max: 13}
)", {"plugin.key=anything"}, &why);
  ASSERT_TRUE(config) << why;
  EXPECT_TRUE(config->mount.allow_other);
  EXPECT_EQ(config->mount.fsname, "vol");
  EXPECT_TRUE(config->mount.read_only);
  EXPECT_EQ(config->mount.options, (std::vector<std::string>{"noatime", "nodev"}));
  EXPECT_EQ(config->kernel.entry_timeout, 1s);
  EXPECT_EQ(config->kernel.attr_timeout, 2s);
  EXPECT_EQ(config->kernel.negative_timeout, 3s);
  EXPECT_EQ(config->kernel.table_entries, 4u);
  EXPECT_EQ(config->data.write_buffer_bytes, 50u << 20);
  EXPECT_EQ(config->data.flush_age, 6s);
  EXPECT_EQ(config->data.upload_threads, 7u);
  EXPECT_EQ(config->data.block_cache_bytes, 8u);
  EXPECT_EQ(config->data.readahead_bytes, 9u);
  EXPECT_EQ(config->data.download_threads, 10u);
  EXPECT_FALSE(config->data.compact);
  EXPECT_FALSE(config->data.sync);
  EXPECT_EQ(config->data.missing_object_retry, 2s);  // rounded up
  EXPECT_EQ(config->log.level, MDP_LOG_ERROR);
  EXPECT_EQ(config->log.file, "/l");
  EXPECT_EQ(config->control_socket, "/s");
  EXPECT_EQ(config->stop_timeout, 11s);
  EXPECT_EQ(config->threads_idle_max, 12u);
  EXPECT_EQ(config->threads_max, 13u);
}

TEST(HostConfig, OptionsWinAndAreNamedAsTheOrigin) {
  std::string why;
  const auto config =
      load_text("host: {stop-timeout: 5s}\n", {"host.stop-timeout=7s", "cache.ttl=1h"}, &why);
  ASSERT_TRUE(config) << why;
  EXPECT_EQ(config->stop_timeout, 7s);
  const auto json = nlohmann::json::parse(config->effective_json);
  EXPECT_EQ(json["host.stop-timeout"], (nlohmann::json{{"value", "7s"}, {"from", "option"}}));
  EXPECT_FALSE(json.contains("cache.ttl"));
}

TEST(HostConfig, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("host:\n  mount: {alow-other: true}\n"),
            "f.yaml:2: key 'host.mount.alow-other' is not known; did you mean "
            "'host.mount.allow-other'?");
  EXPECT_EQ(error_of("host: {log: {level: loud}}\n"),
            "f.yaml:1: key 'host.log.level': 'loud' is not one of the choices; allowed: debug, "
            "info, warn, error");
  EXPECT_EQ(error_of("host:\n  threads: {max: 4}\n"),
            "default: key 'host.threads.idle-max': is larger than 'host.threads.max' (f.yaml:2)");
  EXPECT_EQ(error_of("host: {data: {write-buffer: 1M}}\n", {"host.stop-timeout=5"}),
            "f.yaml:1: key 'host.data.write-buffer': '1M' is out of range; allowed: a size such "
            "as 64MiB, 4M, 1GiB or a number of bytes, from 8MiB to 1TiB\n"
            "option: key 'host.stop-timeout': '5' has no unit; allowed: a duration such as 500ms, "
            "10s, 2m, 1h, from 1s to 1h");
  std::string why;
  EXPECT_FALSE(load_host_config("/nonexistent/f.yaml", {}, &why));
  EXPECT_EQ(why, "/nonexistent/f.yaml: cannot be read: No such file or directory");
}

TEST(HostDocumentation, HasEveryKeyItsDefaultAndWhatItTakes) {
  std::string why;
  const auto defaults = load_host_config({}, {}, &why);
  ASSERT_TRUE(defaults) << why;
  const auto code = nlohmann::json::parse(defaults->effective_json);
  ASSERT_EQ(host_keys().size(), code.size());
  for (const char* mode : config::kDocumentedModes) {
    const auto documented = load_host_config(config::documented_file(mode), {}, &why);
    ASSERT_TRUE(documented) << why;
    const auto file = nlohmann::json::parse(documented->effective_json);
    const config::DocumentedKeys comments = config::documented_keys(mode);
    for (const HostKey& key : host_keys()) {
      EXPECT_NE(file[key.name]["from"], "default") << mode << ": " << key.name;
      EXPECT_EQ(file[key.name]["value"], code[key.name]["value"]) << mode << ": " << key.name;
      config::expect_documented(comments, key.name, key.summary);
    }
  }
}

TEST(HostJsonSchema, IsWhatTheCodeGenerates) {
  const auto own = nlohmann::ordered_json::parse(host_json_schema());
  const auto file = config::read_json_schema();
  auto generated = file;
  generated["properties"]["host"] = own["properties"]["host"];
  config::expect_json_schema(file, generated, "unit_host_config");
}

}  // namespace
}  // namespace fastmeta::host
