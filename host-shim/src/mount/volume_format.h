// SPDX-License-Identifier: GPL-3.0-or-later
// What the settings of a volume say about its data.
#pragma once

#include <optional>
#include <string>

#include "data/data_engine.h"

namespace fastmeta::host {

// json: of mdp_ops.describe. Nothing when the data cannot be served, *why: one line.
std::optional<VolumeFormat> parse_volume_format(const std::string& json, std::string* why);

}  // namespace fastmeta::host
