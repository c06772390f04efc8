// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/exclusive_names.h"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>

namespace fastmeta::engine {

namespace {

bool matches(std::string_view pattern, std::string_view text) {
  return fnmatch(std::string(pattern).c_str(), std::string(text).c_str(), FNM_PATHNAME) == 0;
}

// What stands behind the last "/", which is taken off with it; `more`: there was one.
std::string_view take_last(std::string_view& path, bool* more) {
  const size_t slash = path.rfind('/');
  *more = slash != path.npos;
  const std::string_view last = *more ? path.substr(slash + 1) : path;
  path = *more ? path.substr(0, slash) : std::string_view();
  return last;
}

// Component by component from the end.
bool ends_with(std::string_view path, std::string_view pattern) {
  for (;;) {
    bool more_pattern = false, more_path = false;
    const std::string_view wanted = take_last(pattern, &more_pattern);
    if (!more_pattern && wanted.empty()) return path.empty();  // "/a": from the root
    const std::string_view name = take_last(path, &more_path);
    if (name.starts_with("(inode ")) return true;
    if (name.empty() || !matches(wanted, name)) return false;
    if (!more_pattern) return true;
  }
}

}  // namespace

bool ExclusiveNames::may_match(const std::string& name) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return matches(std::string_view(pattern).substr(pattern.rfind('/') + 1), name);
  });
}

bool ExclusiveNames::match(const std::string& folder, const std::string& name) const {
  const std::string path = (folder == "/" ? std::string() : folder) + "/" + name;
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return ends_with(path, pattern);
  });
}

}  // namespace fastmeta::engine
