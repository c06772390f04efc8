// SPDX-License-Identifier: GPL-3.0-or-later
#include "loader/plugin_loader.h"

#include <fastmeta/version.h>

#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <boost/filesystem.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "loader/negotiate.h"

namespace fastmeta::host {
namespace {

constexpr char kFileName[] = "fastmeta.so";

// dlopen's own words for a file that is no library differ from system to system.
std::optional<std::string> file_problem(const std::string& path) {
  boost::system::error_code failed;
  const auto status = boost::filesystem::status(path, failed);
  if (failed) return std::string("it cannot be read: ") + failed.message();
  if (!boost::filesystem::is_regular_file(status)) return "it is not a file";
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::string("it cannot be read: ") + std::strerror(errno);
  char magic[4] = {};
  file.read(magic, sizeof magic);
  if (file.gcount() != sizeof magic || std::memcmp(magic, "\177ELF", sizeof magic) != 0) {
    return "it is not a shared object";
  }
  return std::nullopt;
}

}  // namespace

struct Plugin::Library {
  boost::dll::shared_library handle;
};

Plugin::Plugin(std::string path, std::unique_ptr<Library> library)
    : path_(std::move(path)), library_(std::move(library)) {}
Plugin::~Plugin() = default;

std::unique_ptr<Plugin> Plugin::load(const std::string& path, std::string* why) {
  const std::string who = "plugin " + path + ": ";
  if (auto problem = file_problem(path)) {
    *why = who + *problem + ": name a plugin with --plugin";
    return nullptr;
  }
  auto library = std::make_unique<Library>();
  boost::dll::fs::error_code failed;
  const auto absolute = boost::filesystem::absolute(path);
  library->handle.load(absolute, failed, boost::dll::load_mode::rtld_now);
  if (failed) {
    *why = who + "it cannot be loaded: " + failed.message();
    return nullptr;
  }
  if (!library->handle.has(MDP_PLUGIN_ENTRY_NAME)) {
    *why = who + "it has no symbol " MDP_PLUGIN_ENTRY_NAME ", so it is not a metadata plugin";
    return nullptr;
  }
  std::unique_ptr<Plugin> plugin(new Plugin(absolute.string(), std::move(library)));
  const auto& entry =
      plugin->library_->handle.get<const mdp_ops*()>(MDP_PLUGIN_ENTRY_NAME);
  if (auto disagreement = adopt_ops(entry(), path, &plugin->ops_)) {
    *why = *disagreement;
    return nullptr;
  }
  return plugin;
}

std::vector<std::string> plugin_search_path(const std::string& executable) {
  const auto folder = boost::filesystem::path(executable).parent_path();
  return {(folder / kFileName).string(),
          (folder / FASTMETA_PLUGIN_DIR_FROM_BIN / kFileName).lexically_normal().string()};
}

std::string find_plugin(const std::string& asked, std::string* why) {
  if (!asked.empty()) return asked;
  if (const char* named = std::getenv("FASTMETA_PLUGIN"); named != nullptr && *named != '\0') {
    return named;
  }
  boost::dll::fs::error_code failed;
  const auto self = boost::dll::program_location(failed);
  std::string tried;
  for (const std::string& candidate : plugin_search_path(self.string())) {
    if (boost::filesystem::exists(candidate, failed)) return candidate;
    tried += (tried.empty() ? "" : ", ") + candidate;
  }
  *why = "no plugin found (" + tried + "): name one with --plugin or FASTMETA_PLUGIN";
  return {};
}

}  // namespace fastmeta::host
