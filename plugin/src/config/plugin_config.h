// SPDX-License-Identifier: GPL-3.0-or-later
// What the plugin can be told. Names follow the keys: cache.memory-max is
// cache.memory_max. What each means is in config/passthrough.yaml.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "util/result.h"

namespace fastmeta::config {

class Schema;

enum class Mode : uint8_t { kPassthrough, kFastMeta };
enum class OpenPolicy : uint8_t {
  kVerify,  // an open asks the server: close-to-open holds strictly
  kTrust,   // an open is answered from the tracked cache
};

struct MetaConfig {
  std::string url;            // with its password; empty: nothing names the volume
  std::string password;       // of meta.password, or of the file meta.password-file, or empty
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds deadline{};         // of one command
  std::chrono::milliseconds backoff_initial{};
  std::chrono::milliseconds backoff_max{};
  std::chrono::milliseconds ping_interval{};
  std::chrono::milliseconds ping_timeout{};
  uint32_t connections = 0;                     // of the pool
  uint32_t transaction_retries = 0;
};

struct CacheConfig {
  uint64_t memory_max = 0;  // bytes; 0: nothing is cached
  std::chrono::milliseconds ttl{};
  uint64_t listing_max = 0; // names
  OpenPolicy open = OpenPolicy::kVerify;
  std::string dir;          // of the local store; passthrough has none
};

struct IdsConfig {
  uint32_t inode_reserve = 0;
  uint32_t slice_reserve = 0;
  uint32_t low_water = 0;   // percent of the reserve that is left when it is refilled
};

// How long the kernel may remember answers, as long as nothing changes.
struct KernelConfig {
  std::chrono::milliseconds entry_valid{};
  std::chrono::milliseconds attr_valid{};
  std::chrono::milliseconds negative_valid{};
};

struct DeletesConfig {
  bool enabled = true;
  uint32_t threads = 0;
};

struct PluginConfig {
  Mode mode = Mode::kPassthrough;
  MetaConfig meta;
  CacheConfig cache;
  IdsConfig ids;
  KernelConfig kernel;
  DeletesConfig deletes;
  std::chrono::milliseconds session_heartbeat{};
  std::chrono::milliseconds dir_stats_flush_interval{};
  std::chrono::milliseconds skip_dir_mtime{};
  bool read_only = false;

  // {"key": {"value": …, "from": …}}, secrets masked.
  std::string effective_json;
};

// Of the file, if any; then the option lines ("key.path=value"), then the URL and
// the cache directory of the command line, then what the URL's query says of the
// mode: each wins over those before it. The section `host` is not looked at.
// kConfig, EINVAL: one line per mistake.
Result<PluginConfig> load_plugin_config(const std::optional<std::string>& file,
                                        const std::optional<std::string>& meta_url,
                                        const std::optional<std::string>& cache_dir,
                                        std::span<const std::string> options);

const Schema& plugin_schema();

}  // namespace fastmeta::config
