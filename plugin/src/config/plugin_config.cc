// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/plugin_config.h"

#include <fmt/format.h>

#include <cerrno>
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
  return before("meta.ping-interval", "meta.ping-timeout");
}

// The directory that the command line names, which may be relative.
Result<std::string> absolute(const std::string& path) {
  std::error_code failure;
  const auto full = std::filesystem::absolute(path, failure);
  if (failure)
    return config_error(fmt::format("cache directory '{}': {}", path, failure.message()));
  return full.lexically_normal().string();
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
  return cache;
}

IdsConfig ids_config(const Values& values) {
  IdsConfig ids;
  ids.inode_reserve = static_cast<uint32_t>(values.integer("ids.inode-reserve"));
  ids.slice_reserve = static_cast<uint32_t>(values.integer("ids.slice-reserve"));
  ids.low_water = static_cast<uint32_t>(values.integer("ids.low-water"));
  return ids;
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

  PluginConfig config;
  config.mode = values.text("mode") == "fast-meta" ? Mode::kFastMeta : Mode::kPassthrough;
  if (config.mode == Mode::kFastMeta)
    return config_error(fmt::format("{}: key 'mode': 'fast-meta' is not available, this version "
                                    "has only 'passthrough'",
                                    values.origin("mode")));
  MDP_TRY(config.meta, meta_config(values));
  config.cache = cache_config(values);
  config.ids = ids_config(values);
  config.kernel = kernel_config(values);
  config.deletes = {values.flag("deletes.enabled"),
                    static_cast<uint32_t>(values.integer("deletes.threads"))};
  config.session_heartbeat = values.duration("session.heartbeat");
  config.dir_stats_flush_interval = values.duration("dir-stats.flush-interval");
  config.skip_dir_mtime = values.duration("skip-dir-mtime");
  config.read_only = values.flag("read-only");
  config.effective_json = values.json();
  return config;
}

}  // namespace fastmeta::config
