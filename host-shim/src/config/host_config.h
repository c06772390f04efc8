// SPDX-License-Identifier: GPL-3.0-or-later
// What the host can be told: the section `host` of the configuration file. What
// each key means is in config/passthrough.yaml. The other sections belong to the
// plugin, which checks them itself (mdp_ops.probe).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/data_engine.h"

namespace fastmeta::host {

struct MountConfig {
  bool allow_other = false;
  std::string fsname;                // empty: "fastmeta:" and the volume's name
  bool read_only = false;
  std::vector<std::string> options;  // further ones, as of mount -o
};

// Upper bounds of what the kernel may remember, below what the plugin allows.
struct KernelCacheConfig {
  std::chrono::milliseconds entry_timeout{};
  std::chrono::milliseconds attr_timeout{};
  std::chrono::milliseconds negative_timeout{};
  uint64_t table_entries = 0;  // names and inodes that can be expired; beyond it: timeout 0
};

struct LogConfig {
  int level = MDP_LOG_INFO;  // enum mdp_log_level
  std::string file;          // empty: stderr in the foreground, else the system log
};

struct HostConfig {
  MountConfig mount;
  KernelCacheConfig kernel;
  DataOptions data;
  LogConfig log;
  std::string control_socket;             // empty: a name made from the mount point
  std::chrono::milliseconds stop_timeout{};  // for what is buffered, at unmount
  uint32_t threads_idle_max = 0;          // workers kept while there is nothing to do
  uint32_t threads_max = 0;

  // {"host.key": {"value": …, "from": …}}, as the plugin's probe gives for its keys.
  std::string effective_json;
};

// Of the file, if any, then "host.key=value" lines, which win; lines of other
// sections are not looked at. Nothing on failure, *why: one line per mistake.
std::optional<HostConfig> load_host_config(const std::optional<std::string>& file,
                                           const std::vector<std::string>& options,
                                           std::string* why);

// One key, for documentation and its test.
struct HostKey {
  std::string name;
  std::string summary;  // "duration, 0 to 24h, default 60s"
};
std::vector<HostKey> host_keys();

// A JSON schema of a file that has only the section `host`.
std::string host_json_schema();

}  // namespace fastmeta::host
