// SPDX-License-Identifier: GPL-3.0-or-later
// Names whose exclusive creation is used as a lock among clients (exclusive.remote).
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

namespace fastmeta::engine {

class ExclusiveNames {
 public:
  // Shell patterns as fnmatch(3) knows them, of names, or with "/" of the ends of paths.
  explicit ExclusiveNames(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  // false: no folder makes it one of them.
  bool may_match(const std::string& name) const;
  // folder: its path, which may begin with something unknown, "(inode 5)/b": that could be
  // any path.
  bool match(const std::string& folder, const std::string& name) const;

 private:
  const std::vector<std::string> patterns_;
};

}  // namespace fastmeta::engine
