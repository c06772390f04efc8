// SPDX-License-Identifier: GPL-3.0-or-later
// Names whose exclusive creation is used as a lock among clients (exclusive.remote).
#pragma once

#include <fnmatch.h>

#include <string>
#include <vector>

namespace fastmeta::engine {

class ExclusiveNames {
 public:
  // Shell patterns of names, as fnmatch(3) knows them.
  explicit ExclusiveNames(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  bool match(const std::string& name) const {
    for (const std::string& pattern : patterns_)
      if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
    return false;
  }

 private:
  const std::vector<std::string> patterns_;
};

}  // namespace fastmeta::engine
