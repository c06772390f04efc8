// SPDX-License-Identifier: GPL-3.0-or-later
// Sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fastmeta::host {

// "4M", "4MiB", "4m": powers of 1024; a plain number counts bytes. Nothing when it
// is none of these or does not fit.
std::optional<uint64_t> parse_size(std::string_view text);

// "3.2 GiB"
std::string human_size(uint64_t bytes);

}  // namespace fastmeta::host
