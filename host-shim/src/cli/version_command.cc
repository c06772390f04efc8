// SPDX-License-Identifier: GPL-3.0-or-later
// fastmeta version
#include <CLI/App.hpp>
#include <fastmeta/version.h>

#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "fuse/fuse_api.h"
#include "loader/plugin_loader.h"

namespace fastmeta::host {
namespace {

int version_command(const std::string& asked) {
  std::printf("fastmeta %s (contract %u.%u, libfuse %s)\n", FASTMETA_VERSION, MDP_ABI_MAJOR,
              MDP_ABI_MINOR, fuse_pkgversion());
  std::string why;
  const std::string path = find_plugin(asked, &why);
  const auto plugin = path.empty() ? nullptr : Plugin::load(path, &why);
  if (plugin == nullptr) return complain(kFailed, why);
  const mdp_ops& ops = plugin->ops();
  std::printf("plugin %s %s (contract %u.%u) from %s\n", ops.name, ops.version, ops.abi_major,
              ops.abi_minor, plugin->path().c_str());
  return kOk;
}

}  // namespace

void add_version(CLI::App& app, Run* chosen) {
  auto plugin = std::make_shared<std::string>();
  CLI::App* version = app.add_subcommand("version", "Versions of the command and its plugin");
  version->add_option("--plugin", *plugin, "Another plugin than the one that came along");
  version->callback([=] { *chosen = [plugin] { return version_command(*plugin); }; });
}

}  // namespace fastmeta::host
