// SPDX-License-Identifier: GPL-3.0-or-later
// The plugin that a command works with.
#pragma once

#include <memory>
#include <string>

#include "loader/plugin_loader.h"

namespace fastmeta::host {

// asked: of --plugin. Null on failure, with one line.
inline std::unique_ptr<Plugin> load_plugin(const std::string& asked, std::string* why) {
  const std::string path = find_plugin(asked, why);
  return path.empty() ? nullptr : Plugin::load(path, why);
}

inline constexpr char kPluginHelp[] =
    "Metadata plugin; default: FASTMETA_PLUGIN, or the one that came along";

}  // namespace fastmeta::host
