// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/plugin_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fastmeta::config {
namespace {

using namespace std::chrono_literals;

// A file in the test's own folder, gone with it.
class PluginConfigTest : public testing::Test {
 protected:
  PluginConfigTest() {
    std::string pattern = testing::TempDir() + "fastmeta-config-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~PluginConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string error_of(const std::string& text, const std::optional<std::string>& url = {},
                       const std::vector<std::string>& options = {}) const {
    const std::string path = write("f.yaml", text);
    auto config = load_plugin_config(path, url, {}, options);
    if (config) return "no error";
    EXPECT_EQ(config.error().fault, Fault::kConfig);
    EXPECT_EQ(config.error().code, EINVAL);
    std::string error = config.error().text;
    for (size_t at; (at = error.find(folder_ + "/")) != std::string::npos;)
      error.erase(at, folder_.size() + 1);
    return error;
  }

  std::string folder_;
};

TEST_F(PluginConfigTest, DefaultsAreThoseOfTheDocumentation) {
  auto config = load_plugin_config({}, {}, {}, {});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->mode, Mode::kPassthrough);
  EXPECT_EQ(config->meta.url, "");
  EXPECT_EQ(config->meta.password, "");
  EXPECT_EQ(config->meta.connect_timeout, 5s);
  EXPECT_EQ(config->meta.deadline, 10s);
  EXPECT_EQ(config->meta.backoff_initial, 50ms);
  EXPECT_EQ(config->meta.backoff_max, 2s);
  EXPECT_EQ(config->meta.ping_interval, 2s);
  EXPECT_EQ(config->meta.ping_timeout, 5s);
  EXPECT_EQ(config->meta.connections, 32u);
  EXPECT_EQ(config->meta.transaction_retries, 50u);
  EXPECT_EQ(config->cache.memory_max, 256u << 20);
  EXPECT_EQ(config->cache.ttl, 1h);
  EXPECT_EQ(config->cache.listing_max, 1'000'000u);
  EXPECT_EQ(config->cache.open, OpenPolicy::kVerify);
  EXPECT_EQ(config->cache.dir, "");
  EXPECT_EQ(config->ids.inode_reserve, 1024u);
  EXPECT_EQ(config->ids.slice_reserve, 4096u);
  EXPECT_EQ(config->ids.low_water, 25u);
  EXPECT_EQ(config->session_heartbeat, 12s);
  EXPECT_EQ(config->dir_stats_flush_interval, 1s);
  EXPECT_EQ(config->kernel.entry_valid, 60s);
  EXPECT_EQ(config->kernel.attr_valid, 60s);
  EXPECT_EQ(config->kernel.negative_valid, 60s);
  EXPECT_TRUE(config->deletes.enabled);
  EXPECT_EQ(config->deletes.threads, 2u);
  EXPECT_EQ(config->skip_dir_mtime, 100ms);
  EXPECT_FALSE(config->read_only);
  EXPECT_EQ(config->disconnect_grace, 2s);
  EXPECT_EQ(config->cache.max_size, uint64_t{10} << 30);
  EXPECT_EQ(config->store.cache_size, 256u << 20);
  EXPECT_EQ(config->store.commit, CommitLevel::kProcess);
  EXPECT_EQ(config->store.flush_interval, 100ms);
  EXPECT_EQ(config->store.checkpoint_interval, 30s);
  EXPECT_EQ(config->backlog.records_max, 1'000'000u);
  EXPECT_EQ(config->backlog.bytes_max, 1u << 30);
  EXPECT_EQ(config->backlog.age_max, 0ms);
  EXPECT_EQ(config->backlog.stall_max, 30s);
  EXPECT_EQ(config->sync.batch_commands, 4000u);
  EXPECT_EQ(config->sync.batch_bytes, 1u << 20);
  EXPECT_EQ(config->sync.linger, 0ms);
  EXPECT_EQ(config->sync.retry_initial, 50ms);
  EXPECT_EQ(config->sync.retry_max, 5s);
  EXPECT_EQ(config->sync.order, SendOrder::kCausal);
  EXPECT_EQ(config->sync.keep_applied, 60s);
  EXPECT_EQ(config->sync.keep_applied_records, 65'536u);
  EXPECT_EQ(config->sync.keep_data, 10min);
  EXPECT_EQ(config->conflicts.limit, 100u);
  EXPECT_EQ(config->conflicts.content, ContentConflict::kLast);
  EXPECT_TRUE(config->exclusive_remote.empty());
  EXPECT_EQ(config->fsync_level, FsyncLevel::kLocal);
  EXPECT_EQ(config->drain_timeout, 30s);
}

TEST_F(PluginConfigTest, EveryKeyReachesItsField) {
  const std::string path = write("f.yaml", R"(
mode: passthrough
read-only: true
skip-dir-mtime: 1ms
meta:
  url: unix:///run/r.sock?db=3
  password: pw
  connect-timeout: 101ms
  deadline: 102ms
  backoff-initial: 103ms
  backoff-max: 104ms
  ping-interval: 205ms
  ping-timeout: 206ms
  connections: 7
  transaction-retries: 8
cache: {memory-max: 9, ttl: 10s, listing-max: 11, open: trust, dir: /c, max-size: 65M}
ids: {inode-reserve: 12, slice-reserve: 13, low-water: 14}
session: {heartbeat: 15s}
dir-stats: {flush-interval: 16s}
kernel: {entry-valid: 17s, attr-valid: 18s, negative-valid: 19s}
deletes: {enabled: false, threads: 20}
disconnect-grace: 21ms
store: {cache-size: 22M, commit: disk, flush-interval: 23ms, checkpoint-interval: 24s}
backlog: {records-max: 125, bytes-max: 26M, age-max: 27s, stall-max: 28s}
sync:
  batch-commands: 29
  batch-bytes: 30K
  linger: 31ms
  retry-initial: 32ms
  retry-max: 33ms
  order: per-key
  keep-applied: 34s
  keep-applied-records: 35
  keep-data: 38s
conflicts: {limit: 36, content: journal}
exclusive: {remote: ["*.lock", "a,b"]}
fsync: {level: remote}
umount: {drain-timeout: 37s}
host: {not: [ours]}
)");
  auto config = load_plugin_config(path, {}, {}, {});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_TRUE(config->read_only);
  EXPECT_EQ(config->skip_dir_mtime, 1ms);
  EXPECT_EQ(config->meta.url, "unix:///run/r.sock?db=3");
  EXPECT_EQ(config->meta.password, "pw");
  EXPECT_EQ(config->meta.connect_timeout, 101ms);
  EXPECT_EQ(config->meta.deadline, 102ms);
  EXPECT_EQ(config->meta.backoff_initial, 103ms);
  EXPECT_EQ(config->meta.backoff_max, 104ms);
  EXPECT_EQ(config->meta.ping_interval, 205ms);
  EXPECT_EQ(config->meta.ping_timeout, 206ms);
  EXPECT_EQ(config->meta.connections, 7u);
  EXPECT_EQ(config->meta.transaction_retries, 8u);
  EXPECT_EQ(config->cache.memory_max, 9u);
  EXPECT_EQ(config->cache.ttl, 10s);
  EXPECT_EQ(config->cache.listing_max, 11u);
  EXPECT_EQ(config->cache.open, OpenPolicy::kTrust);
  EXPECT_EQ(config->cache.dir, "/c");
  EXPECT_EQ(config->ids.inode_reserve, 12u);
  EXPECT_EQ(config->ids.slice_reserve, 13u);
  EXPECT_EQ(config->ids.low_water, 14u);
  EXPECT_EQ(config->session_heartbeat, 15s);
  EXPECT_EQ(config->dir_stats_flush_interval, 16s);
  EXPECT_EQ(config->kernel.entry_valid, 17s);
  EXPECT_EQ(config->kernel.attr_valid, 18s);
  EXPECT_EQ(config->kernel.negative_valid, 19s);
  EXPECT_FALSE(config->deletes.enabled);
  EXPECT_EQ(config->deletes.threads, 20u);
  EXPECT_EQ(config->disconnect_grace, 21ms);
  EXPECT_EQ(config->cache.max_size, 65u << 20);
  EXPECT_EQ(config->store.cache_size, 22u << 20);
  EXPECT_EQ(config->store.commit, CommitLevel::kDisk);
  EXPECT_EQ(config->store.flush_interval, 23ms);
  EXPECT_EQ(config->store.checkpoint_interval, 24s);
  EXPECT_EQ(config->backlog.records_max, 125u);
  EXPECT_EQ(config->backlog.bytes_max, 26u << 20);
  EXPECT_EQ(config->backlog.age_max, 27s);
  EXPECT_EQ(config->backlog.stall_max, 28s);
  EXPECT_EQ(config->sync.batch_commands, 29u);
  EXPECT_EQ(config->sync.batch_bytes, 30u << 10);
  EXPECT_EQ(config->sync.linger, 31ms);
  EXPECT_EQ(config->sync.retry_initial, 32ms);
  EXPECT_EQ(config->sync.retry_max, 33ms);
  EXPECT_EQ(config->sync.order, SendOrder::kPerKey);
  EXPECT_EQ(config->sync.keep_applied, 34s);
  EXPECT_EQ(config->sync.keep_applied_records, 35u);
  EXPECT_EQ(config->sync.keep_data, 38s);
  EXPECT_EQ(config->conflicts.limit, 36u);
  EXPECT_EQ(config->conflicts.content, ContentConflict::kJournal);
  EXPECT_EQ(config->exclusive_remote, (std::vector<std::string>{"*.lock", "a,b"}));
  EXPECT_EQ(config->fsync_level, FsyncLevel::kRemote);
  EXPECT_EQ(config->drain_timeout, 37s);
}

TEST_F(PluginConfigTest, TheCommandLineWinsOverOptionsAndThoseOverTheFile) {
  const std::string path =
      write("f.yaml", "meta: {url: redis://file}\ncache: {dir: /file, ttl: 2h}\n");
  const std::vector<std::string> options = {"meta.url=redis://option", "cache.dir=/option",
                                            "cache.ttl=3h", "host.mount.fsname=x"};
  auto by_option = load_plugin_config(path, {}, {}, options);
  ASSERT_TRUE(by_option) << by_option.error().text;
  EXPECT_EQ(by_option->meta.url, "redis://option");
  EXPECT_EQ(by_option->cache.dir, "/option");
  EXPECT_EQ(by_option->cache.ttl, 3h);

  auto by_argument = load_plugin_config(path, "redis://:pw@line", "/line/../d", options);
  ASSERT_TRUE(by_argument) << by_argument.error().text;
  EXPECT_EQ(by_argument->meta.url, "redis://:pw@line");
  EXPECT_EQ(by_argument->cache.dir, "/d");
  const auto json = nlohmann::json::parse(by_argument->effective_json);
  EXPECT_EQ(json["meta.url"]["value"], "redis://:***@line");
  EXPECT_EQ(json["meta.url"]["from"], "command line");
  EXPECT_EQ(json["cache.ttl"]["from"], "option");
}

TEST_F(PluginConfigTest, ARelativeCacheDirectoryIsOfTheWorkingDirectory) {
  auto config = load_plugin_config({}, {}, "sub/dir", {});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->cache.dir, (std::filesystem::current_path() / "sub/dir").string());
}

// An environment variable for the time of a test.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    value != nullptr ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Environment() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(PluginConfigTest, FastMetaHasACacheDirectoryOfItsOwnAccord) {
  const std::vector<std::string> fast = {"mode=fast-meta"};
  {
    auto config = load_plugin_config({}, {}, {}, fast);
    ASSERT_TRUE(config) << config.error().text;
    if (geteuid() == 0) {
      EXPECT_EQ(config->cache.dir, "/var/cache/fastmeta");
    }
    EXPECT_TRUE(config->cache.dir.starts_with("/"));
    EXPECT_EQ(nlohmann::json::parse(config->effective_json)["cache.dir"]["from"], "default");
  }
  if (geteuid() != 0) GTEST_SKIP() << "what follows gives up the rights of root";
  // Another user, for this thread alone.
  ASSERT_EQ(syscall(SYS_setresuid, -1, 65534, -1), 0);
  Environment home("HOME", "/home/u"), cache("XDG_CACHE_HOME", "/xdg");
  auto in_xdg = load_plugin_config({}, {}, {}, fast);
  setenv("XDG_CACHE_HOME", "relative", 1);  // the standard says: to be ignored
  auto in_home = load_plugin_config({}, {}, {}, fast);
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  auto nowhere = load_plugin_config({}, {}, {}, fast);
  auto told = load_plugin_config({}, {}, "/c", fast);
  auto not_needed = load_plugin_config({}, {}, {}, {});
  ASSERT_EQ(syscall(SYS_setresuid, -1, 0, -1), 0);
  ASSERT_TRUE(in_xdg && in_home && told && not_needed);
  EXPECT_EQ(in_xdg->cache.dir, "/xdg/fastmeta");
  EXPECT_EQ(in_home->cache.dir, "/home/u/.cache/fastmeta");
  EXPECT_EQ(told->cache.dir, "/c");
  EXPECT_EQ(not_needed->cache.dir, "");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().text.find("set 'cache.dir'"), std::string::npos);
}

TEST_F(PluginConfigTest, ListsOfOptionLinesAreSplitAtCommas) {
  auto config =
      load_plugin_config({}, {}, {}, std::vector<std::string>{"exclusive.remote=*.lock,*.pid"});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->exclusive_remote, (std::vector<std::string>{"*.lock", "*.pid"}));
  EXPECT_EQ(error_of("exclusive:\n  remote: ['']\n"),
            "f.yaml:2: key 'exclusive.remote': an element is empty");
  EXPECT_EQ(error_of("exclusive:\n  remote: '*.lock'\n"),
            "f.yaml:2: key 'exclusive.remote': a word stands in place of a list; allowed: a list "
            "of words");
}

TEST_F(PluginConfigTest, TheUrlHasTheLastWordOnTheMode) {
  const std::vector<std::string> fast = {"mode=fast-meta"};
  auto config = load_plugin_config({}, "redis://h/1?max-retries=3&fast-meta=0", {}, fast);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->mode, Mode::kPassthrough);
  EXPECT_EQ(nlohmann::json::parse(config->effective_json)["mode"]["from"], "url");

  config = load_plugin_config(write("f.yaml", "mode: passthrough\n"),
                              "redis://h/1?fast-meta=1", "/c", {});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->mode, Mode::kFastMeta);
  EXPECT_EQ(config->cache.dir, "/c");
  EXPECT_EQ(error_of("meta: {url: 'redis://h?fast-meta=yes'}\n"),
            "url: parameter 'fast-meta': 'yes' is neither 1 nor 0");
}

TEST_F(PluginConfigTest, ThePasswordMayComeFromAFile) {
  const std::string path = write("pw", "s3cret \r\nsecond line\n");
  const std::vector<std::string> options = {"meta.password-file=" + path};
  auto config = load_plugin_config({}, {}, {}, options);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->meta.password, "s3cret");
  EXPECT_EQ(config->effective_json.find("s3cret"), std::string::npos);

  EXPECT_EQ(error_of("meta: {password: x}\n", {}, options),
            "option: key 'meta.password-file': 'meta.password' is given too; keep one of them");
  EXPECT_EQ(error_of("meta: {password-file: /nonexistent/pw}\n"),
            "f.yaml:1: key 'meta.password-file': '/nonexistent/pw': No such file or directory");
  write("empty", "\nx\n");
  EXPECT_EQ(error_of("", {}, {"meta.password-file=" + folder_ + "/empty"}),
            "option: key 'meta.password-file': the first line of 'empty' is no password");
}

TEST_F(PluginConfigTest, KeysThatContradictEachOtherAreRefused) {
  EXPECT_EQ(error_of("meta:\n  backoff-initial: 3s\n"),
            "f.yaml:2: key 'meta.backoff-initial': 3s is longer than 2s of 'meta.backoff-max' "
            "(default)");
  EXPECT_EQ(error_of("meta:\n  ping-timeout: 1s\n"),
            "default: key 'meta.ping-interval': 2s is longer than 1s of 'meta.ping-timeout' "
            "(f.yaml:2)");
  EXPECT_EQ(error_of("sync:\n  retry-initial: 10s\n"),
            "f.yaml:2: key 'sync.retry-initial': 10s is longer than 5s of 'sync.retry-max' "
            "(default)");
}

TEST_F(PluginConfigTest, AMissingFileIsNamed) {
  auto config = load_plugin_config(folder_ + "/none.yaml", {}, {}, {});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().text,
            folder_ + "/none.yaml: cannot be read: No such file or directory");
}

}  // namespace
}  // namespace fastmeta::config
