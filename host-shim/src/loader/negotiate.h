// SPDX-License-Identifier: GPL-3.0-or-later
// Agreement on the table of a plugin: which of it this host may use.
#pragma once

#include <mdp/plugin.h>

#include <optional>
#include <string>

namespace fastmeta::host {

// Copies what both sides know of `theirs` into *ours; what the plugin is too old
// to have stays NULL. On disagreement one line that says what is wrong with
// `path` and what to do, and *ours is all zeros.
std::optional<std::string> adopt_ops(const mdp_ops* theirs, const std::string& path,
                                     mdp_ops* ours);

}  // namespace fastmeta::host
