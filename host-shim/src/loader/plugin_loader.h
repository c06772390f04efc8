// SPDX-License-Identifier: GPL-3.0-or-later
// Finds and loads a plugin.
#pragma once

#include <mdp/plugin.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fastmeta::host {

// Stays loaded as long as this lives.
class Plugin {
 public:
  // Null on failure, *why: one line naming the file and what is wrong with it.
  static std::unique_ptr<Plugin> load(const std::string& path, std::string* why);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const mdp_ops& ops() const { return ops_; }  // ours: absent members are NULL
  const std::string& path() const { return path_; }

 private:
  struct Library;
  Plugin(std::string path, std::unique_ptr<Library> library);

  std::string path_;
  std::unique_ptr<Library> library_;
  mdp_ops ops_{};
};

// Where a plugin is looked for, the first that exists counts: the build tree's
// stands beside the command, an installed one in the libraries' folder.
std::vector<std::string> plugin_search_path(const std::string& executable);

// asked: of the command line, empty for none; then FASTMETA_PLUGIN, then the search
// path. Empty when there is none, *why says where it was looked for.
std::string find_plugin(const std::string& asked, std::string* why);

}  // namespace fastmeta::host
