// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/layout.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "store/files.h"

namespace fastmeta::store {

bool is_database_file(std::string_view name) {
  return name.starts_with("WiredTiger") || name.ends_with(".wt");
}

bool is_log_file(std::string_view name) {
  return name.starts_with("WiredTigerLog.") || name.starts_with("WiredTigerPreplog.") ||
         name.starts_with("WiredTigerTmplog.");
}

namespace {

// The one file without a checksum names how the metadata are encoded, and the library takes it
// at its word: with another format it writes over its own stack.
Result<void> check_turtle(const std::string& path) {
  constexpr size_t kMax = 1 << 20;
  MDP_TRY(const auto text, read_small_file(path, kMax));
  for (const std::string_view field : {",key_format=S,", ",value_format=S,"})
    if (!text || text->find(field) == std::string::npos)
      return Error{Fault::kLocalStore, EIO,
                   fmt::format("{} is damaged: there is no {} in it", path,
                               field.substr(1, field.size() - 2))};
  return {};
}

}  // namespace

Result<void> check_files(const Layout& layout) {
  std::string missing;
  const auto need = [&](const std::string& name) {
    if (file_size(layout.db() + "/" + name) == 0) missing += " " + name;
  };
  need("WiredTiger");
  need("WiredTiger.turtle");
  need("WiredTiger.wt");
  for (const char* name : kTableNames) need(std::string(name) + ".wt");

  MDP_TRY(auto names, list_dir(layout.db()));
  const bool logged = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("WiredTigerLog.");
  });
  if (!logged) missing += " WiredTigerLog.*";
  if (missing.empty()) return check_turtle(layout.db() + "/WiredTiger.turtle");
  return Error{Fault::kLocalStore, EIO,
               fmt::format("in {} there is no, or an empty,{}", layout.db(), missing)};
}

Result<void> remove_database(const Layout& layout) {
  MDP_TRY(auto names, list_dir(layout.db()));
  for (const auto& name : names)
    if (is_database_file(name)) MDP_TRY_VOID(remove_file(layout.db() + "/" + name));
  if (::rmdir(layout.db().c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY)
    return file_error("remove the directory", layout.db(), errno);
  return {};
}

}  // namespace fastmeta::store
