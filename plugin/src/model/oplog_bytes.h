// SPDX-License-Identifier: GPL-3.0-or-later
// Writing and reading the fields of an oplog record, little-endian. Both take the same
// calls, so that one list of fields serves both directions and they cannot drift apart.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/types.h"

namespace fastmeta::model {

class FieldWriter {
 public:
  explicit FieldWriter(uint16_t version) : version_(version) {}
  // Of the record: fields that a later one has added are there from it on.
  uint16_t version() const { return version_; }

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void number(const T& value) {
    auto rest = static_cast<std::make_unsigned_t<T>>(value);
    for (size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<char>(static_cast<uint8_t>(rest)));
      if constexpr (sizeof(T) > 1) rest >>= 8;
    }
  }
  void flag(const bool& value) { number<uint8_t>(value ? 1 : 0); }
  void bits(const uint8_t& value, uint8_t) { number(value); }
  template <typename E>
  void choice(const E& value, E, E) {
    number(static_cast<uint8_t>(value));
  }
  void time(const Timestamp& value) {
    number(value.sec);
    number(value.nsec);
  }
  void text(const std::string& value) {
    number(static_cast<uint32_t>(value.size()));
    bytes_ += value;
  }
  template <typename T>
  bool present(const std::optional<T>& value) {
    flag(value.has_value());
    return value.has_value();
  }
  // Calls each(*this, item) for all.
  template <typename T, typename Each>
  void list(const std::vector<T>& items, Each each) {
    number(static_cast<uint32_t>(items.size()));
    for (const T& item : items) each(*this, item);
  }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  uint16_t version_;
};

// After the first field that cannot be, ok() is false and all others read as empty.
class FieldReader {
 public:
  FieldReader(std::string_view bytes, uint16_t version) : bytes_(bytes), version_(version) {}
  uint16_t version() const { return version_; }

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void number(T& value) {
    value = 0;
    const std::string_view part = take(sizeof(T));
    std::make_unsigned_t<T> sum = 0;
    for (size_t i = 0; i < part.size(); ++i)
      sum = static_cast<std::make_unsigned_t<T>>(
          sum | static_cast<std::make_unsigned_t<T>>(
                    static_cast<uint64_t>(static_cast<uint8_t>(part[i])) << (8 * i)));
    value = static_cast<T>(sum);
  }
  void flag(bool& value) {
    uint8_t byte = 0;
    number(byte);
    if (byte > 1) fail("a flag that is neither 0 nor 1");
    value = byte == 1;
  }
  void bits(uint8_t& value, uint8_t known) {
    number(value);
    if ((value & ~known) != 0) fail("a bit that is not known");
  }
  template <typename E>
  void choice(E& value, E first, E last) {
    uint8_t byte = 0;
    number(byte);
    const bool known = byte >= static_cast<uint8_t>(first) && byte <= static_cast<uint8_t>(last);
    if (!known) fail("a kind that is not known");
    value = known ? static_cast<E>(byte) : first;
  }
  void time(Timestamp& value) {
    number(value.sec);
    number(value.nsec);
    if (value.nsec >= 1'000'000'000) fail("more nanoseconds than a second has");
  }
  void text(std::string& value) {
    uint32_t size = 0;
    number(size);
    value = take(size);
  }
  template <typename T>
  bool present(std::optional<T>& value) {
    bool there = false;
    flag(there);
    if (there) value.emplace();
    return there;
  }
  template <typename T, typename Each>
  void list(std::vector<T>& items, Each each) {
    uint32_t count = 0;
    number(count);
    // Grows with what is read: a false count must not reserve memory.
    for (uint32_t i = 0; i < count && ok(); ++i) each(*this, items.emplace_back());
  }

  void fail(const char* what) {
    if (problem_) return;
    problem_ = what;
    fault_offset_ = offset_;
  }
  bool ok() const { return problem_ == nullptr; }
  bool done() const { return offset_ == bytes_.size(); }
  const char* problem() const { return problem_; }
  size_t fault_offset() const { return fault_offset_; }  // behind the field
  size_t offset() const { return offset_; }

 private:
  std::string_view take(size_t size) {
    if (!ok()) return {};
    if (size > bytes_.size() - offset_) {
      fail("the bytes end within a field");
      return {};
    }
    const std::string_view part = bytes_.substr(offset_, size);
    offset_ += size;
    return part;
  }

  std::string_view bytes_;
  uint16_t version_;
  size_t offset_ = 0;
  size_t fault_offset_ = 0;
  const char* problem_ = nullptr;
};

}  // namespace fastmeta::model
