// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta format
#include <CLI/App.hpp>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/plugin_option.h"
#include "cli/size.h"
#include "daemon/log.h"
#include "mount/host_callbacks.h"
#include "mount/open_volume.h"
#include "mount/volume_format.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

struct FormatArguments {
  std::string url, name, storage = "file", bucket, block_size = "4M", compression = "none";
  std::string capacity = "0", config_file, plugin;
  std::vector<std::string> options;
  bool hash_prefix = false, force = false, yes = false;
  uint64_t trash_days = 1, inodes = 0;
};

// The volume's settings as JSON; nothing when an argument is wrong.
std::optional<Json> settings_of(const FormatArguments& arguments, std::string* why) {
  if (arguments.storage != "file") {
    *why = "--storage " + arguments.storage + ": only 'file' is supported";
    return std::nullopt;
  }
  const auto block = parse_size(arguments.block_size);
  if (!block || *block < 64 * 1024 || *block > 16 * 1024 * 1024 || *block % 1024 != 0) {
    *why = "--block-size " + arguments.block_size + ": 64K to 16M are allowed";
    return std::nullopt;
  }
  const auto capacity = parse_size(arguments.capacity);
  if (!capacity) {
    *why = "--capacity " + arguments.capacity + ": not a size (100G, 1T; 0: no limit)";
    return std::nullopt;
  }
  if (arguments.bucket.empty()) {
    *why = "--bucket: a directory for the data of the volume is needed";
    return std::nullopt;
  }
  std::error_code failed;
  std::string bucket = std::filesystem::absolute(arguments.bucket, failed).lexically_normal();
  if (bucket.back() != '/') bucket += '/';
  Json settings = {{"Name", arguments.name},
                   {"Storage", arguments.storage},
                   {"Bucket", bucket},
                   {"BlockSize", *block / 1024},
                   {"Compression", arguments.compression},
                   {"TrashDays", arguments.trash_days}};
  if (arguments.hash_prefix) settings["HashPrefix"] = true;
  if (*capacity != 0) settings["Capacity"] = *capacity;
  if (arguments.inodes != 0) settings["Inodes"] = arguments.inodes;
  return settings;
}

// Whether the owner agrees to lose what is there.
bool confirmed(const FormatArguments& arguments, std::string* why) {
  if (!arguments.force || arguments.yes) return true;
  if (::isatty(STDIN_FILENO) == 0) {
    *why = "--force gives up a volume that is there: without a terminal it needs --yes";
    return false;
  }
  std::fprintf(stderr,
               "A volume that is there loses all its files, for every client. Type its new name "
               "(%s) to go on: ",
               arguments.name.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == arguments.name) return true;
  *why = "nothing was changed";
  return false;
}

// Before anything is written to the server: can the data be stored at all?
bool check_bucket(const std::string& bucket, std::string* why) {
  std::error_code failed;
  std::filesystem::create_directories(bucket, failed);
  if (!failed && ::access(bucket.c_str(), W_OK | X_OK) == 0) return true;
  *why = "--bucket " + bucket + ": " + (failed ? failed.message() : std::strerror(errno));
  return false;
}

// The mark that says whose data lies in the bucket. The volume's identity is known
// only when the plugin has made it.
int mark_bucket(const mdp_ops& ops, const VolumeArgs& args, std::string* why) {
  Log log;
  HostCallbacks callbacks(log.fn());
  int result = 0;
  const auto volume = OpenVolume::open(ops, args, callbacks.table(), &result, why);
  if (volume == nullptr) return exit_code_of(result);
  std::string json;
  if (const int rc = volume->describe(&json); rc != 0) {
    *why = std::string("reading the new volume: ") + std::strerror(-rc);
    return kFailed;
  }
  const auto format = parse_volume_format(json, why);
  if (!format) return kFailed;
  const Json settings = Json::parse(json, nullptr, false);
  const std::string uuid = settings.value("UUID", std::string());
  return prepare_bucket(*format, uuid, why) == 0 ? kOk : kFailed;
}

int format_command(const FormatArguments& arguments) {
  std::string why;
  const auto settings = settings_of(arguments, &why);
  if (!settings) return complain(kUsage, why);
  const auto plugin = load_plugin(arguments.plugin, &why);
  if (plugin == nullptr) return complain(kFailed, why);
  if (plugin->ops().format == nullptr) {
    return complain(kFailed, "plugin " + plugin->path() + ": it cannot format volumes");
  }
  if (!confirmed(arguments, &why)) return complain(kUsage, why);
  if (!check_bucket((*settings)["Bucket"], &why)) return complain(kFailed, why);
  VolumeFormat wanted;
  wanted.name = arguments.name;
  wanted.bucket = (*settings)["Bucket"];
  if (!arguments.force && check_bucket_is_free(wanted, &why) != 0) return complain(kFailed, why);

  VolumeArgs args;
  args.meta_url = arguments.url;
  if (!arguments.config_file.empty()) args.config_file = arguments.config_file;
  args.options = arguments.options;
  const OpenArgs c(args);
  std::array<char, 4096> text{};
  const int rc = plugin->ops().format(c.get(), settings->dump().c_str(), arguments.force ? 1 : 0,
                                      text.data(), text.size());
  if (rc != 0) {
    why = text.data();
    return complain(exit_code_of(rc), why.empty() ? std::strerror(-rc) : why);
  }
  args.read_only = true;
  if (const int code = mark_bucket(plugin->ops(), args, &why); code != kOk) {
    return complain(code, why);
  }
  std::printf("volume %s is ready, its data goes to %s%s/\n", arguments.name.c_str(),
              (*settings)["Bucket"].get<std::string>().c_str(), arguments.name.c_str());
  return kOk;
}

}  // namespace

void add_format(CLI::App& app, Run* chosen) {
  auto a = std::make_shared<FormatArguments>();
  CLI::App* format = app.add_subcommand(
      "format", "Make a new volume.\n"
                "  fastmeta format redis://localhost/1 myvolume --bucket /var/lib/myvolume");
  format->add_option("META-URL", a->url, "Metadata server, as redis://HOST:PORT/DB")->required();
  format->add_option("NAME", a->name, "3 to 63 of a-z, 0-9 and '-'")->required();
  format->add_option("--storage", a->storage, "Kind of object storage: file")
      ->capture_default_str();
  format->add_option("--bucket", a->bucket, "Directory that holds the data")->required();
  format->add_option("--block-size", a->block_size, "Size of a stored object, 64K to 16M")
      ->capture_default_str();
  format->add_option("--compress", a->compression, "none, lz4 or zstd")->capture_default_str();
  format->add_flag("--hash-prefix", a->hash_prefix, "Spread objects over many directories");
  format->add_option("--trash-days", a->trash_days, "Keep removed files so long; 0: not at all")
      ->capture_default_str();
  format->add_option("--capacity", a->capacity, "Limit of all data (100G, 1T); 0: none")
      ->capture_default_str();
  format->add_option("--inodes", a->inodes, "Limit of files and directories; 0: none")
      ->capture_default_str();
  format->add_flag("--force", a->force, "Give up a volume that is there, after a question");
  format->add_flag("--yes", a->yes, "The answer to that question");
  format->add_option("-c,--config", a->config_file, "Configuration file, for the connection");
  format->add_option("-o", a->options, "Key of the configuration (section.key=value)")
      ->allow_extra_args(false);
  format->add_option("--plugin", a->plugin, kPluginHelp);
  format->callback([=] { *chosen = [a] { return format_command(*a); }; });
}

}  // namespace fastmeta::host
