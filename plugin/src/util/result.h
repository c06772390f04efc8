// SPDX-License-Identifier: GPL-3.0-or-later
// Errors as values. Result<T> carries a T or an Error; its member names are
// those of std::expected, to become an alias of it one day.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "util/check.h"

namespace fastmeta {

// What a caller can do about an error, decided where it is first seen.
enum class Fault : uint8_t {
  kAnswer,       // the file system's own reply (ENOENT, ENOTEMPTY …): pass it on
  kMissing,      // a rule needs keys that are not loaded yet: load them, run it again
  kConflict,     // a watched key changed: read again and retry
  kRefused,      // Redis answered an error (OOM, READONLY, NOPERM, LOADING …): not applied
  kUnreachable,  // no reply from Redis: the outcome is unknown
  kDisconnected, // nothing was sent: the connection is down
  kCorrupt,      // bytes that break the schema: never retry
  kConfig,       // the user asked for something that cannot be
  kLocalStore,   // the local store failed: latch, refuse writes
};

struct Error {
  Fault fault = Fault::kAnswer;
  int code = 0;      // errno, positive
  std::string text;  // for people: what, where, what to do; may be empty for kAnswer

  static Error answer(int code) { return {Fault::kAnswer, code, {}}; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by intent
  Result(Error error) : error_(std::move(error)) {}      // NOLINT

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }
  T& value() & { MDP_CHECK(value_); return *value_; }
  const T& value() const& { MDP_CHECK(value_); return *value_; }
  T&& value() && { MDP_CHECK(value_); return std::move(*value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { MDP_CHECK(!value_); return error_; }
  Error&& error() && { MDP_CHECK(!value_); return std::move(error_); }

 private:
  std::optional<T> value_;
  Error error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { MDP_CHECK(error_); return *error_; }
  Error&& error() && { MDP_CHECK(error_); return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

#define MDP_CONCAT_(a, b) a##b
#define MDP_CONCAT(a, b) MDP_CONCAT_(a, b)

// MDP_TRY(Attr attr, load(ino)): declares attr, or returns the error.
// MDP_TRY_VOID(step()): returns the error of a Result<void>, if any.
#define MDP_TRY_IMPL_(tmp, decl, ...)          \
  auto tmp = (__VA_ARGS__);                    \
  if (!tmp) return std::move(tmp).error();     \
  decl = std::move(*tmp)
#define MDP_TRY(decl, ...) MDP_TRY_IMPL_(MDP_CONCAT(mdp_try_, __LINE__), decl, __VA_ARGS__)
#define MDP_TRY_VOID(...)                                          \
  do {                                                             \
    if (auto mdp_try_void_ = (__VA_ARGS__); !mdp_try_void_)        \
      return std::move(mdp_try_void_).error();                     \
  } while (0)

}  // namespace fastmeta
