// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/plugin_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "config/units.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {
namespace {

constexpr size_t kPasswordMax = 4096;

// The mode that ?fast-meta= on the URL asks for, if any.
Result<void> mode_of_url(Values& values) {
  const auto wanted = url_parameter(values.text("meta.url"), "fast-meta");
  if (!wanted) return {};
  if (*wanted != "0" && *wanted != "1")
    return config_error(
        fmt::format("url: parameter 'fast-meta': '{}' is neither 1 nor 0", *wanted));
  values.set("mode", {std::string(*wanted == "1" ? "fast-meta" : "passthrough"), "url"});
  return {};
}

Result<std::string> password(const Values& values) {
  const std::string& given = values.text("meta.password");
  const std::string& path = values.text("meta.password-file");
  if (path.empty()) return given;
  const std::string where =
      fmt::format("{}: key 'meta.password-file': ", values.origin("meta.password-file"));
  if (!given.empty())
    return config_error(where + "'meta.password' is given too; keep one of them");
  std::ifstream in(path);
  std::string line;
  if (!in) return config_error(fmt::format("{}'{}': {}", where, path, std::strerror(errno)));
  std::getline(in, line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (in.bad() || line.empty() || line.size() > kPasswordMax)
    return config_error(
        fmt::format("{}the first line of '{}' is no password", where, path));
  return line;
}

// Keys that are wrong only together.
Result<void> check_together(const Values& values) {
  const auto before = [&](const char* less, const char* more) -> Result<void> {
    if (values.duration(less) <= values.duration(more)) return {};
    return config_error(fmt::format(
        "{}: key '{}': {} is longer than {} of '{}' ({})", values.origin(less), less,
        format_duration(values.duration(less).count()),
        format_duration(values.duration(more).count()), more, values.origin(more)));
  };
  MDP_TRY_VOID(before("meta.backoff-initial", "meta.backoff-max"));
  MDP_TRY_VOID(before("meta.ping-interval", "meta.ping-timeout"));
  MDP_TRY_VOID(before("sync.retry-initial", "sync.retry-max"));
  for (const std::string& glob : values.list("exclusive.remote"))
    if (glob.empty())
      return config_error(fmt::format("{}: key 'exclusive.remote': an element is empty",
                                      values.origin("exclusive.remote")));
  return {};
}

// The directory that the command line names, which may be relative.
Result<std::string> absolute(const std::string& path) {
  std::error_code failure;
  const auto full = std::filesystem::absolute(path, failure);
  if (failure)
    return config_error(fmt::format("cache directory '{}': {}", path, failure.message()));
  return full.lexically_normal().string();
}

// Where the local store lies when nobody says so.
Result<void> default_cache_dir(Values& values) {
  if (values.text("mode") != "fast-meta" || !values.text("cache.dir").empty()) return {};
  std::string dir = "/var/cache/fastmeta";
  if (::geteuid() != 0) {
    const auto absolute_of = [](const char* variable) -> std::string {
      const char* text = std::getenv(variable);
      return text != nullptr && *text == '/' ? text : "";
    };
    std::string base = absolute_of("XDG_CACHE_HOME");
    if (base.empty() && !absolute_of("HOME").empty()) base = absolute_of("HOME") + "/.cache";
    if (base.empty())
      return config_error(
          "mode 'fast-meta' needs a directory for its local store: set 'cache.dir', or the "
          "environment variable XDG_CACHE_HOME or HOME to an absolute path");
    dir = base + "/fastmeta";
  }
  values.set("cache.dir", {std::move(dir), values.origin("cache.dir")});
  return {};
}

Result<std::vector<Override>> overrides_of(const std::optional<std::string>& meta_url,
                                           const std::optional<std::string>& cache_dir,
                                           std::span<const std::string> options) {
  MDP_TRY(std::vector<Override> overrides, parse_options(options));
  if (meta_url) overrides.push_back({"meta.url", *meta_url, "command line"});
  if (cache_dir) {
    MDP_TRY(std::string path, absolute(*cache_dir));
    overrides.push_back({"cache.dir", std::move(path), "command line"});
  }
  return overrides;
}

Result<MetaConfig> meta_config(const Values& values) {
  MetaConfig meta;
  meta.url = values.text("meta.url");
  MDP_TRY(meta.password, password(values));
  meta.connect_timeout = values.duration("meta.connect-timeout");
  meta.deadline = values.duration("meta.deadline");
  meta.backoff_initial = values.duration("meta.backoff-initial");
  meta.backoff_max = values.duration("meta.backoff-max");
  meta.ping_interval = values.duration("meta.ping-interval");
  meta.ping_timeout = values.duration("meta.ping-timeout");
  meta.connections = static_cast<uint32_t>(values.integer("meta.connections"));
  meta.transaction_retries = static_cast<uint32_t>(values.integer("meta.transaction-retries"));
  return meta;
}

CacheConfig cache_config(const Values& values) {
  CacheConfig cache;
  cache.memory_max = values.size("cache.memory-max");
  cache.ttl = values.duration("cache.ttl");
  cache.listing_max = static_cast<uint64_t>(values.integer("cache.listing-max"));
  cache.open = values.text("cache.open") == "trust" ? OpenPolicy::kTrust : OpenPolicy::kVerify;
  cache.dir = values.text("cache.dir");
  cache.max_size = values.size("cache.max-size");
  return cache;
}

IdsConfig ids_config(const Values& values) {
  IdsConfig ids;
  ids.inode_reserve = static_cast<uint32_t>(values.integer("ids.inode-reserve"));
  ids.slice_reserve = static_cast<uint32_t>(values.integer("ids.slice-reserve"));
  ids.low_water = static_cast<uint32_t>(values.integer("ids.low-water"));
  return ids;
}

StoreConfig store_config(const Values& values) {
  StoreConfig store;
  store.cache_size = values.size("store.cache-size");
  const std::string& commit = values.text("store.commit");
  store.commit = commit == "disk"    ? CommitLevel::kDisk
                 : commit == "flush" ? CommitLevel::kFlush
                                     : CommitLevel::kProcess;
  store.flush_interval = values.duration("store.flush-interval");
  store.checkpoint_interval = values.duration("store.checkpoint-interval");
  return store;
}

BacklogConfig backlog_config(const Values& values) {
  BacklogConfig backlog;
  backlog.records_max = static_cast<uint64_t>(values.integer("backlog.records-max"));
  backlog.bytes_max = values.size("backlog.bytes-max");
  backlog.age_max = values.duration("backlog.age-max");
  backlog.stall_max = values.duration("backlog.stall-max");
  return backlog;
}

SyncConfig sync_config(const Values& values) {
  SyncConfig sync;
  sync.batch_commands = static_cast<uint32_t>(values.integer("sync.batch-commands"));
  sync.batch_bytes = values.size("sync.batch-bytes");
  sync.linger = values.duration("sync.linger");
  sync.retry_initial = values.duration("sync.retry-initial");
  sync.retry_max = values.duration("sync.retry-max");
  sync.order = values.text("sync.order") == "per-key" ? SendOrder::kPerKey : SendOrder::kCausal;
  sync.keep_applied = values.duration("sync.keep-applied");
  sync.keep_applied_records = static_cast<uint64_t>(values.integer("sync.keep-applied-records"));
  sync.keep_data = values.duration("sync.keep-data");
  return sync;
}

KernelConfig kernel_config(const Values& values) {
  KernelConfig kernel;
  kernel.entry_valid = values.duration("kernel.entry-valid");
  kernel.attr_valid = values.duration("kernel.attr-valid");
  kernel.negative_valid = values.duration("kernel.negative-valid");
  return kernel;
}

}  // namespace

Result<PluginConfig> load_plugin_config(const std::optional<std::string>& file,
                                        const std::optional<std::string>& meta_url,
                                        const std::optional<std::string>& cache_dir,
                                        std::span<const std::string> options) {
  std::optional<Source> source;
  if (file) {
    MDP_TRY(source, read_source(*file));
  }
  MDP_TRY(std::vector<Override> overrides, overrides_of(meta_url, cache_dir, options));
  MDP_TRY(Values values, load(plugin_schema(), source, overrides));
  MDP_TRY_VOID(mode_of_url(values));
  MDP_TRY_VOID(check_together(values));
  MDP_TRY_VOID(default_cache_dir(values));

  PluginConfig config;
  config.mode = values.text("mode") == "fast-meta" ? Mode::kFastMeta : Mode::kPassthrough;
  MDP_TRY(config.meta, meta_config(values));
  config.cache = cache_config(values);
  config.ids = ids_config(values);
  config.kernel = kernel_config(values);
  config.deletes = {values.flag("deletes.enabled"),
                    static_cast<uint32_t>(values.integer("deletes.threads"))};
  config.store = store_config(values);
  config.backlog = backlog_config(values);
  config.sync = sync_config(values);
  config.conflicts.limit = static_cast<uint32_t>(values.integer("conflicts.limit"));
  config.conflicts.content = values.text("conflicts.content") == "journal"
                                 ? ContentConflict::kJournal
                                 : ContentConflict::kLast;
  config.exclusive_remote = values.list("exclusive.remote");
  config.fsync_level =
      values.text("fsync.level") == "remote" ? FsyncLevel::kRemote : FsyncLevel::kLocal;
  config.fsync_timeout = values.duration("fsync.timeout");
  config.drain_timeout = values.duration("umount.drain-timeout");
  config.disconnect_grace = values.duration("disconnect-grace");
  config.session_heartbeat = values.duration("session.heartbeat");
  config.dir_stats_flush_interval = values.duration("dir-stats.flush-interval");
  config.skip_dir_mtime = values.duration("skip-dir-mtime");
  config.read_only = values.flag("read-only");
  config.effective_json = values.json();
  return config;
}

}  // namespace fastmeta::config
