// SPDX-License-Identifier: GPL-3.0-or-later
// Versions as the volume's window of clients writes them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fastmeta::model {

struct Version {
  std::array<uint32_t, 3> numbers{};  // major, minor, patch; those left out are 0
  std::string_view pre_release;       // behind '-', empty for a release
};

// "1.4", "1.1.0-A", "v1.4.2+2025-01-01.abc". Nothing when it is no version.
std::optional<Version> parse_version(std::string_view text);

int compare_versions(const Version& a, const Version& b);

}  // namespace fastmeta::model
