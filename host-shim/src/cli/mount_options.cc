// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/mount_options.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace fastmeta::host {
namespace {

// Of mount(8), understood by libfuse or the kernel.
constexpr std::array<std::string_view, 15> kKernel = {
    "dev",  "nodev",   "suid",  "nosuid",  "exec",       "noexec",     "atime",        "sync",
    "noatime", "async", "dirsync", "nodiratime", "norelatime", "nostrictatime", "nolazytime"};

// For others than the mount itself: fstab, mount(8), systemd; or what is always so.
constexpr std::array<std::string_view, 10> kIgnored = {
    "rw",     "default_permissions", "auto",  "noauto", "user",
    "nouser", "users",               "owner", "nofail", "_netdev"};

// Keys of the configuration that lie in no section.
constexpr std::array<std::string_view, 4> kPlainKeys = {"mode", "read-only", "skip-dir-mtime",
                                                        "disconnect-grace"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> split(const std::string& argument) {
  std::vector<std::string> out(1);
  for (size_t i = 0; i < argument.size(); ++i) {
    if (argument[i] == '\\' && i + 1 < argument.size() && argument[i + 1] == ',') {
      out.back() += argument[++i];
    } else if (argument[i] == ',') {
      out.emplace_back();
    } else {
      out.back() += argument[i];
    }
  }
  return out;
}

bool take(const std::string& option, MountOptions* out) {
  const size_t equals = option.find('=');
  const std::string_view name = std::string_view(option).substr(0, equals);
  const bool has_value = equals != std::string::npos;
  if (has_value && name == "fsname") {
    out->fsname = option.substr(equals + 1);
  } else if (name.substr(0, 2) == "x-" || contains(kIgnored, name) || name == "subtype") {
    // Nothing to do.
  } else if (has_value &&
             (name.find('.') != std::string_view::npos || contains(kPlainKeys, name))) {
    out->keys.push_back(option);
  } else if (has_value) {
    return false;
  } else if (name == "ro") {
    out->read_only = true;
  } else if (name == "allow_other") {
    out->allow_other = true;
  } else if (name == "noallow_other") {
    out->allow_other = false;
  } else if (contains(kKernel, name)) {
    out->kernel.push_back(option);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<MountOptions> parse_mount_options(const std::vector<std::string>& arguments,
                                                std::string* why) {
  MountOptions out;
  for (const std::string& argument : arguments) {
    for (const std::string& option : split(argument)) {
      if (option.empty() || take(option, &out)) continue;
      *why = "-o " + option.substr(0, option.find('=')) +
             ": neither an option of mount(8) nor a key of the configuration "
             "(section.key=value)";
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace fastmeta::host
