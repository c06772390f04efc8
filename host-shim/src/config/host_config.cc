// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/host_config.h"

#include <array>
#include <string_view>
#include <utility>

#include "config/key_table.h"
#include "config/yaml_schema.h"

namespace fastmeta::host {
namespace {

using config::Key;
using config::Type;
using config::Values;

struct Level {
  std::string_view name;
  int level;
};
constexpr std::array<Level, 4> kLevels = {{{"debug", MDP_LOG_DEBUG},
                                           {"info", MDP_LOG_INFO},
                                           {"warn", MDP_LOG_WARN},
                                           {"error", MDP_LOG_ERROR}}};

std::vector<std::string> level_names() {
  std::vector<std::string> names;
  for (const Level& level : kLevels) names.emplace_back(level.name);
  return names;
}

std::vector<Key> mount_keys() {
  using namespace config;
  return {
      plain("host.mount.allow-other", Type::kBool, "false",
            "Other users than the one who mounts may enter."),
      plain("host.mount.fsname", Type::kString, "",
            "First column of df; empty: made from the volume's name."),
      plain("host.mount.read-only", Type::kBool, "false", "Mount read-only."),
      plain("host.mount.options", Type::kList, "", "Further options, as of mount -o."),
      duration("host.kernel.entry-timeout", "60s", "0", "24h",
               "At most so long the kernel remembers a name."),
      duration("host.kernel.attr-timeout", "60s", "0", "24h",
               "At most so long the kernel remembers attributes."),
      duration("host.kernel.negative-timeout", "60s", "0", "24h",
               "At most so long the kernel remembers that a name does not exist."),
      number("host.kernel.table-entries", "1000000", "0", "100000000", "entries",
             "Names and inodes that the kernel may remember at all."),
  };
}

std::vector<Key> data_keys() {
  using namespace config;
  return {
      size("host.data.write-buffer", "300MiB", "8MiB", "1TiB",
           "Memory for data that is not stored yet; writers wait beyond it."),
      duration("host.data.flush-age", "5s", "100ms", "10m",
               "Buffered data is stored when it is this old."),
      number("host.data.upload-threads", "8", "1", "256", "threads", "For storing objects."),
      size("host.data.block-cache", "256MiB", "0", "1TiB", "Memory for blocks that were read."),
      size("host.data.readahead", "8MiB", "0", "1GiB", "Read ahead of a sequential reader."),
      number("host.data.download-threads", "8", "1", "256", "threads", "For reading objects."),
      plain("host.data.compact", Type::kBool, "true", "Merge the slices of often-written files."),
      choice("host.data.sync", "fsync", {"fsync", "never"},
             "What makes stored data survive a power loss."),
      duration("host.data.missing-object-retry", "5s", "0", "5m",
               "How long an object that is not there is looked for before a read fails."),
  };
}

std::vector<Key> all_keys() {
  using namespace config;
  std::vector<Key> keys = mount_keys();
  for (Key& key : data_keys()) keys.push_back(std::move(key));
  const std::vector<Key> rest = {
      choice("host.log.level", "info", level_names(), "What is worth a line."),
      plain("host.log.file", Type::kPath, "",
            "Where lines go; empty: stderr in the foreground, else the system log."),
      plain("host.control.socket", Type::kPath, "",
            "Where the other commands reach this mount; empty: named after the mount point."),
      duration("host.stop-timeout", "30s", "1s", "1h",
               "How long an unmount may take to store what is buffered."),
      number("host.threads.idle-max", "16", "1", "4096", "threads",
             "Workers that are kept while there is nothing to do."),
      number("host.threads.max", "1024", "2", "65536", "threads",
             "Requests that are worked on at once; a waiting lock request counts."),
  };
  keys.insert(keys.end(), rest.begin(), rest.end());
  return keys;
}

const config::Schema& host_schema() {
  static const config::Schema schema(all_keys(), std::string("host"));
  return schema;
}

DataOptions data_options(const Values& values) {
  DataOptions data;
  data.write_buffer_bytes = values.size("host.data.write-buffer");
  data.flush_age = values.duration("host.data.flush-age");
  data.upload_threads = static_cast<uint32_t>(values.integer("host.data.upload-threads"));
  data.block_cache_bytes = values.size("host.data.block-cache");
  data.readahead_bytes = values.size("host.data.readahead");
  data.download_threads = static_cast<uint32_t>(values.integer("host.data.download-threads"));
  data.compact = values.flag("host.data.compact");
  data.sync = values.text("host.data.sync") == "fsync";
  data.missing_object_retry =
      std::chrono::ceil<std::chrono::seconds>(values.duration("host.data.missing-object-retry"));
  return data;
}

int log_level(const std::string& name) {
  for (const Level& level : kLevels)
    if (level.name == name) return level.level;
  return MDP_LOG_INFO;
}

HostConfig host_config(const Values& values) {
  HostConfig out;
  out.mount.allow_other = values.flag("host.mount.allow-other");
  out.mount.fsname = values.text("host.mount.fsname");
  out.mount.read_only = values.flag("host.mount.read-only");
  out.mount.options = values.list("host.mount.options");
  out.kernel.entry_timeout = values.duration("host.kernel.entry-timeout");
  out.kernel.attr_timeout = values.duration("host.kernel.attr-timeout");
  out.kernel.negative_timeout = values.duration("host.kernel.negative-timeout");
  out.kernel.table_entries = static_cast<uint64_t>(values.integer("host.kernel.table-entries"));
  out.data = data_options(values);
  out.log.level = log_level(values.text("host.log.level"));
  out.log.file = values.text("host.log.file");
  out.control_socket = values.text("host.control.socket");
  out.stop_timeout = values.duration("host.stop-timeout");
  out.threads_idle_max = static_cast<uint32_t>(values.integer("host.threads.idle-max"));
  out.threads_max = static_cast<uint32_t>(values.integer("host.threads.max"));
  out.effective_json = values.json();
  return out;
}

Result<HostConfig> load(const std::optional<std::string>& file,
                        const std::vector<std::string>& options) {
  std::optional<config::Source> source;
  if (file) {
    MDP_TRY(source, config::read_source(*file));
  }
  MDP_TRY(std::vector<config::Override> overrides, config::parse_options(options));
  MDP_TRY(Values values, config::load(host_schema(), source, overrides));
  if (values.integer("host.threads.idle-max") > values.integer("host.threads.max"))
    return config::config_error(values.origin("host.threads.idle-max") +
                                ": key 'host.threads.idle-max': is larger than "
                                "'host.threads.max' (" + values.origin("host.threads.max") + ")");
  return host_config(values);
}

}  // namespace

std::optional<HostConfig> load_host_config(const std::optional<std::string>& file,
                                           const std::vector<std::string>& options,
                                           std::string* why) {
  Result<HostConfig> loaded = load(file, options);
  if (loaded) return std::move(*loaded);
  *why = loaded.error().text;
  return std::nullopt;
}

std::vector<HostKey> host_keys() {
  std::vector<HostKey> out;
  for (const Key& key : host_schema().keys()) out.push_back({key.name, config::summary(key)});
  return out;
}

std::string host_json_schema() { return host_schema().json_schema(); }

}  // namespace fastmeta::host
