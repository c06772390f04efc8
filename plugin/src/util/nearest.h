// SPDX-License-Identifier: GPL-3.0-or-later
// The word that was probably meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fastmeta {

// Insertions, deletions, replacements and swaps of neighbours between two words.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, if it is near enough to be a slip of the fingers.
std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates);

}  // namespace fastmeta
