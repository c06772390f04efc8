// SPDX-License-Identifier: GPL-3.0-or-later
// What the plugin can be told. Names follow the keys: cache.memory-max is
// cache.memory_max. What each means is in config/passthrough.yaml and, of mode fast-meta,
// in config/fast-meta.yaml.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

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
  uint64_t memory_max = 0;  // bytes; 0: nothing is cached; passthrough only
  std::chrono::milliseconds ttl{};
  uint64_t listing_max = 0; // names
  OpenPolicy open = OpenPolicy::kVerify;
  std::string dir;          // of the local store, never empty in mode fast-meta
  uint64_t max_size = uint64_t{10} << 30;  // of the local store on disk
};

// What follows is of mode fast-meta only.
enum class CommitLevel : uint8_t {
  kProcess,  // survives kill -9
  kFlush,    // … and a power loss, but for the last flush-interval
  kDisk,     // … and a power loss
};

struct StoreConfig {
  uint64_t cache_size = uint64_t{256} << 20;  // of WiredTiger, in memory
  CommitLevel commit = CommitLevel::kProcess;
  std::chrono::milliseconds flush_interval{100};
  std::chrono::milliseconds checkpoint_interval{30000};
};

// Limits of what is acknowledged and not yet sent. Near one (80 %) writers are slowed,
// at it they wait, after stall_max they get an error.
struct BacklogConfig {
  uint64_t records_max = 1'000'000;
  uint64_t bytes_max = uint64_t{1} << 30;
  std::chrono::milliseconds age_max{0};  // 0: any
  std::chrono::milliseconds stall_max{30000};
};

enum class SendOrder : uint8_t {
  kCausal,  // what was acknowledged after a close or fsync follows that file's data
  kPerKey,
};

struct SyncConfig {
  uint32_t batch_commands = 4000;
  uint64_t batch_bytes = uint64_t{1} << 20;
  std::chrono::milliseconds linger{0};  // before a batch that is not full is sent
  std::chrono::milliseconds retry_initial{50};
  std::chrono::milliseconds retry_max{5000};
  SendOrder order = SendOrder::kCausal;
  // How long, and how many, applied records are kept for a server that went back.
  std::chrono::milliseconds keep_applied{60000};
  uint64_t keep_applied_records = 65'536;
  // How often data of changes that wait is kept from other clients' garbage collections.
  std::chrono::milliseconds keep_data{600'000};
};

enum class ContentConflict : uint8_t { kLast, kJournal };

struct ConflictsConfig {
  uint32_t limit = 100;  // a minute; beyond it the worker stops until it is told to resume
  ContentConflict content = ContentConflict::kLast;
};

enum class FsyncLevel : uint8_t { kLocal, kRemote };

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
  StoreConfig store;
  BacklogConfig backlog;
  SyncConfig sync;
  ConflictsConfig conflicts;
  std::vector<std::string> exclusive_remote;  // globs: names created in the server at once
  FsyncLevel fsync_level = FsyncLevel::kLocal;
  std::chrono::milliseconds fsync_timeout{30000};  // at level remote
  std::chrono::milliseconds drain_timeout{30000};    // of an unmount
  std::chrono::milliseconds disconnect_grace{2000};  // a shorter loss refuses nothing
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
