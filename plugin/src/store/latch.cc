// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/latch.h"

#include <fmt/format.h>
#include <wiredtiger.h>

#include <cerrno>

namespace fastmeta::store {
namespace {

constexpr size_t kReportsMax = 4096;

// WiredTiger prefixes [seconds:micros][pid:thread], file:…, which the log has too.
std::string_view without_prefix(std::string_view text) {
  if (!text.starts_with('[')) return text;
  const size_t end = text.find("], ");
  return end == std::string_view::npos ? text : text.substr(end + 3);
}

// Damaged files may put any byte into a message.
std::string printable(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, 500)) line += c >= ' ' && c < 0x7f ? c : '?';
  return line;
}

}  // namespace

Error Latch::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

Error Latch::describe(int code, const char* doing) const {
  if (code == WT_ROLLBACK)
    return {Fault::kConflict, EAGAIN, fmt::format("local store: {}: a conflict", doing)};
  std::lock_guard lock(mutex_);
  const std::string said = reports_locked();
  return {Fault::kLocalStore, code == ENOSPC ? ENOSPC : EIO,
          fmt::format("local store {}: {} failed: {}{}{}; unmount, then `fastmeta cache check` "
                      "says what is damaged",
                      dir_, doing, wiredtiger_strerror(code), said.empty() ? "" : "; ", said)};
}

Error Latch::fail(int code, const char* doing) {
  Error error = describe(code, doing);
  if (error.fault == Fault::kConflict) return error;
  error.code = EIO;
  if (code == WT_PANIC) panicked_.store(true, std::memory_order_release);
  {
    std::lock_guard lock(mutex_);
    if (broken_.load(std::memory_order_relaxed)) return error_;
    error_ = error;
    broken_.store(true, std::memory_order_release);
  }
  write_log(LogLevel::kError, error.text);
  return error;
}

void Latch::write_log(LogLevel level, const std::string& line) {
  std::lock_guard lock(log_mutex_);
  switch (level) {
    case LogLevel::kDebug: log_.debug("{}", line); break;
    case LogLevel::kInfo: log_.info("{}", line); break;
    case LogLevel::kWarn: log_.warn("{}", line); break;
    case LogLevel::kError: log_.error("{}", line); break;
  }
}

void Latch::silence() {
  std::lock_guard lock(log_mutex_);
  log_ = Log();
}

void Latch::close() {
  std::lock_guard lock(mutex_);
  if (broken_.load(std::memory_order_relaxed)) return;
  error_ = {Fault::kLocalStore, EIO, fmt::format("local store {}: it is closed", dir_)};
  broken_.store(true, std::memory_order_release);
}

void Latch::on_error(int code, const char* text) {
  const std::string line = printable(without_prefix(text));
  if (code == WT_PANIC) panicked_.store(true, std::memory_order_release);
  {
    std::lock_guard lock(mutex_);
    if (reports_.size() + line.size() < kReportsMax) reports_ += line + "\n";
  }
  write_log(LogLevel::kWarn, fmt::format("local store {}: {} ({})", dir_, line, code));
}

void Latch::on_message(const char* text) {
  const std::string line = printable(without_prefix(text));
  const bool damage = line.find("corrupt") != std::string::npos;
  if (damage) {
    std::lock_guard lock(mutex_);
    if (log_damage_.size() + line.size() < kReportsMax) log_damage_ += line + "\n";
  }
  write_log(damage ? LogLevel::kError : LogLevel::kInfo,
            fmt::format("local store {}: {}", dir_, line));
}

std::string Latch::take_reports() {
  std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

std::string Latch::log_damage() const {
  std::lock_guard lock(mutex_);
  return log_damage_;
}

// The first line: what follows is consequence.
std::string Latch::reports_locked() const { return reports_.substr(0, reports_.find('\n')); }

}  // namespace fastmeta::store
