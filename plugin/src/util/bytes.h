// SPDX-License-Identifier: GPL-3.0-or-later
// Big-endian integers in byte strings, and decimal numbers.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fastmeta {

template <std::unsigned_integral T>
void put_be(std::string& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<uint8_t>(value >> shift)));
}

// Reads big-endian integers from the front of a view. ok() is false once a
// read ran past the end; the values read from there on are 0.
class BytesReader {
 public:
  explicit BytesReader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T be() {
    if (rest_.size() < sizeof(T)) {
      ok_ = false;
      rest_ = {};
      return 0;
    }
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>((static_cast<uint64_t>(value) << 8) | static_cast<uint8_t>(rest_[i]));
    rest_.remove_prefix(sizeof(T));
    return value;
  }

  std::string_view rest() const { return rest_; }
  size_t left() const { return rest_.size(); }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// The whole text as a decimal integer, nothing before or behind it.
template <std::integral T>
std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

}  // namespace fastmeta
