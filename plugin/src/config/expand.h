// SPDX-License-Identifier: GPL-3.0-or-later
// ${NAME} in values, replaced by the environment variable NAME; $${ stands for ${.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace fastmeta::config {

struct Expanded {
  std::string text;
  std::vector<std::string> variables;  // that took part
};

// kConfig: a variable that is not set, or a name that cannot be one.
Result<Expanded> expand(std::string_view text);

}  // namespace fastmeta::config
