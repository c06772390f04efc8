// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/free_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>

namespace fastmeta::store {
namespace {

constexpr std::chrono::milliseconds kAnswerAge{250};
// A committed byte goes into the log, and later into its table.
constexpr uint64_t kWritesPerByte = 3;

int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

void FreeSpace::refresh(bool now) {
  const int64_t time = now_ns();
  int64_t due = refresh_at_ns_.load(std::memory_order_relaxed);
  if (!now) {
    if (time < due) return;
    // One thread asks, the others take the answer that is there.
    const int64_t next = time + std::chrono::nanoseconds(kAnswerAge).count();
    if (!refresh_at_ns_.compare_exchange_strong(due, next, std::memory_order_relaxed)) return;
  }
  struct statvfs fs{};
  if (::statvfs(dir_.c_str(), &fs) != 0) return;  // the write itself will tell
  written_.store(0, std::memory_order_relaxed);
  free_bytes_.store(uint64_t{fs.f_bavail} * fs.f_frsize, std::memory_order_relaxed);
}

uint64_t FreeSpace::estimate() const {
  const uint64_t free = free_bytes_.load(std::memory_order_relaxed);
  const uint64_t used = written_.load(std::memory_order_relaxed) * kWritesPerByte;
  return free > used ? free - used : 0;
}

Result<void> FreeSpace::above(uint64_t needed) {
  refresh(false);
  if (estimate() >= needed) return {};
  refresh(true);
  const uint64_t free = estimate();
  if (free >= needed) return {};
  return Error{Fault::kLocalStore, ENOSPC,
               fmt::format("local store {}: {} MiB are free on its disk, {} MiB have to be; "
                           "make room there",
                           dir_, free >> 20, needed >> 20)};
}

}  // namespace fastmeta::store
