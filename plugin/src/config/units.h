// SPDX-License-Identifier: GPL-3.0-or-later
// Sizes, durations, numbers and URLs as people write them, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fastmeta::config {

std::optional<bool> parse_bool(std::string_view text);             // true, false
std::optional<int64_t> parse_integer(std::string_view text);       // decimal
// Powers of 1024: 64MiB, 64M, 64m; a plain number counts bytes. Not 64MB, which
// means two different things.
std::optional<int64_t> parse_size(std::string_view text);
// ms, s, m, h; only 0 goes without a unit. In milliseconds.
std::optional<int64_t> parse_duration(std::string_view text);

// In the largest unit that divides: 268435456 -> "256MiB", 90000 -> "90s".
std::string format_size(int64_t bytes);
std::string format_duration(int64_t ms);

// What is wrong with a metadata URL, without showing any of it (it may hold a
// password); nothing when all is well. A text without "://" is an address of the
// first scheme.
std::optional<std::string> url_problem(std::string_view url,
                                       std::span<const std::string> schemes);
// The URL with "***" for its password.
std::string mask_url(std::string_view url);
// The value of a query parameter; the last one counts.
std::optional<std::string> url_parameter(std::string_view url, std::string_view name);

}  // namespace fastmeta::config
