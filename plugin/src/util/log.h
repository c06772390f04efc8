// SPDX-License-Identifier: GPL-3.0-or-later
// Where log lines go: a sink that the owner of the volume installs. Lines never
// hold secrets; bytes of unknown origin go through quote().
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fastmeta {

enum class LogLevel { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3 };

class Log {
 public:
  using Sink = std::function<void(LogLevel, std::string_view)>;

  Log() = default;
  explicit Log(Sink sink) : sink_(std::move(sink)) {}

  template <typename... Args>
  void debug(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::kDebug, f, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::kInfo, f, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::kWarn, f, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> f, Args&&... args) const {
    write(LogLevel::kError, f, std::forward<Args>(args)...);
  }

 private:
  template <typename... Args>
  void write(LogLevel level, fmt::format_string<Args...> f, Args&&... args) const {
    if (sink_) sink_(level, fmt::format(f, std::forward<Args>(args)...));
  }

  Sink sink_;
};

// The bytes between double quotes, unprintable ones as \xNN, cut at `max` bytes.
std::string quote(std::string_view bytes, size_t max = 255);

}  // namespace fastmeta
