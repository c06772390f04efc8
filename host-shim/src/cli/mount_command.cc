// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta mount
#include <CLI/App.hpp>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/mount_options.h"
#include "control/client.h"
#include "daemon/process.h"
#include "mount/mount_runner.h"

namespace fastmeta::host {
namespace {

struct MountArguments {
  bool foreground = false;
  std::vector<std::string> options;
  std::string config_file, cache_dir, plugin;
  std::vector<std::string> places;  // [URL] MOUNTPOINT
};

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// The daemon leaves the current folder, so paths are made absolute first.
std::string absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

// Attributes the kernel remembers also of a dead mount; this it has to ask. Where somebody
// listens nobody has died, and a file system that hangs is not asked.
bool is_dead(const MountPoint& mount) {
  struct statfs asked{};
  return !listens(mount) && ::statfs(mount.path.c_str(), &asked) != 0 &&
         (errno == ENOTCONN || errno == ECONNABORTED);
}

// A mount whose process was killed answers ENOTCONN until somebody takes it away, so
// that nothing is written into the folder below it. The next mount does.
void clear_dead_mount(const std::string& path) {
  const auto dead = find_mount(path);
  if (!dead || dead->path != path || !is_dead(*dead) || unmount_lazily(dead->path) != 0) return;
  std::fprintf(stderr, "fastmeta: %s: unmounted what a process that has died left there\n",
               path.c_str());
}

std::optional<std::string> mount_point_of(std::string path, std::string* why) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  clear_dead_mount(absolute(path));
  char real[PATH_MAX];
  struct stat st{};
  if (::realpath(path.c_str(), real) == nullptr || ::stat(real, &st) != 0) {
    *why = "mount point " + path + ": " + std::strerror(errno) +
           (errno == ENOTCONN ? "; unmount what is left there: fastmeta umount -l " + path : "");
    return std::nullopt;
  }
  if (!S_ISDIR(st.st_mode)) {
    *why = "mount point " + path + ": not a directory";
    return std::nullopt;
  }
  if (const auto live = mount_seen_at(real); live && live->path == real) {
    *why = "mount point " + path + ": " + live->source +
           " is mounted there; unmount it first: fastmeta umount " + path;
    return std::nullopt;
  }
  return real;
}

// Whether nobody has said who may enter.
bool is_default(const HostConfig& config) {
  const auto values = nlohmann::json::parse(config.effective_json, nullptr, false);
  if (!values.is_object() || !values.contains("host.mount.allow-other")) return true;
  return values["host.mount.allow-other"].value("from", std::string()) == "default";
}

int mount_command(const MountArguments& arguments) {
  std::string why;
  const auto options = parse_mount_options(arguments.options, &why);
  if (!options) return complain(kUsage, why);

  MountRequest request;
  request.volume.config_file = given(absolute(arguments.config_file));
  request.volume.cache_dir = given(absolute(arguments.cache_dir));
  if (arguments.places.size() == 2) request.volume.meta_url = arguments.places.front();
  if (!request.volume.config_file && !request.volume.meta_url) {
    return complain(kUsage, "no volume: give its META-URL, or a file with -c");
  }
  request.volume.mount_point = mount_point_of(arguments.places.back(), &why);
  if (!request.volume.mount_point) return complain(kUsage, why);
  request.volume.options = options->keys;

  auto config = load_host_config(request.volume.config_file, options->keys, &why);
  if (!config) return complain(kUsage, why);
  request.config = std::move(*config);
  request.volume.read_only = options->read_only || request.config.mount.read_only;
  request.options = options->kernel;
  request.fsname = options->fsname;
  request.allow_other = options->allow_other;
  if (!request.allow_other && ::geteuid() == 0 && is_default(request.config)) {
    request.allow_other = true;  // root mounts for everybody
  }
  request.foreground = arguments.foreground;

  request.plugin = absolute(find_plugin(arguments.plugin, &why));
  if (request.plugin.empty()) return complain(kFailed, why);
  return run_mount(request);
}

}  // namespace

void add_mount(CLI::App& app, Run* chosen) {
  auto arguments = std::make_shared<MountArguments>();
  CLI::App* mount = app.add_subcommand(
      "mount", "Mount a volume; returns when it is up.\n"
               "  fastmeta mount redis://localhost/1 /mnt/volume\n"
               "  fastmeta mount -c /etc/fastmeta/volume.yaml /mnt/volume");
  mount->add_flag("-f,--foreground", arguments->foreground,
                  "Stay in the foreground; lines of the log go to stderr");
  mount->add_option("-o", arguments->options,
                    "Options of mount(8) (ro, allow_other, noallow_other, nosuid, …, fsname=X) "
                    "and keys of the configuration (section.key=value)")
      ->allow_extra_args(false);
  mount->add_option("-c,--config", arguments->config_file, "Configuration file (YAML)");
  mount->add_option("--cache-dir", arguments->cache_dir, "Directory of the local store");
  mount->add_option("--plugin", arguments->plugin,
                    "Metadata plugin; default: FASTMETA_PLUGIN, or the one that came along");
  mount->add_option("places", arguments->places, "[META-URL] MOUNTPOINT")
      ->required()
      ->expected(1, 2)
      ->option_text(" ");
  mount->callback([=] { *chosen = [arguments] { return mount_command(*arguments); }; });
}

}  // namespace fastmeta::host
