// SPDX-License-Identifier: GPL-3.0-or-later
// A plugin's volume from open to close.
#pragma once

#include <mdp/plugin.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/plugin_loader.h"

namespace fastmeta::host {

// What names a volume: mdp_open_args with strings of its own.
struct VolumeArgs {
  std::optional<std::string> config_file;
  std::optional<std::string> meta_url;
  std::optional<std::string> cache_dir;
  std::optional<std::string> mount_point;
  std::vector<std::string> options;  // "key.path=value"
  bool read_only = false;
};

// Calls `use` with the C form of args.
class OpenArgs {
 public:
  explicit OpenArgs(const VolumeArgs& args);
  const mdp_open_args* get() const { return &c_; }

 private:
  std::vector<const char*> options_;
  mdp_open_args c_{};
};

class OpenVolume {
 public:
  // Null on failure: *result is the plugin's -errno, *why its line.
  static std::unique_ptr<OpenVolume> open(const mdp_ops& ops, const VolumeArgs& args,
                                          const mdp_host& host, int* result, std::string* why);
  ~OpenVolume();  // stops and closes
  OpenVolume(const OpenVolume&) = delete;
  OpenVolume& operator=(const OpenVolume&) = delete;

  int start(std::string* why);
  // Sends what is pending, as long as the plugin's configuration says, or `timeout` for
  // one that has no say. -EAGAIN: the rest (see left()) waits for the next mount.
  int stop(std::chrono::milliseconds timeout);
  // Acknowledged changes that are not sent yet.
  uint64_t left() const;
  int describe(std::string* json) const;
  mdp_volume* get() const { return volume_; }

 private:
  OpenVolume(const mdp_ops& ops, mdp_volume* volume) : ops_(ops), volume_(volume) {}

  const mdp_ops& ops_;
  mdp_volume* volume_;
  bool started_ = false;
};

}  // namespace fastmeta::host
