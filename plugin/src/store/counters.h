// SPDX-License-Identifier: GPL-3.0-or-later
// What has happened since the store was opened.
#pragma once

#include <atomic>
#include <cstdint>

namespace fastmeta::store {

struct Counters {
  std::atomic<uint64_t> commits{0};  // those that wrote something
  std::atomic<uint64_t> rollbacks{0};
  std::atomic<uint64_t> syncs{0};
  std::atomic<uint64_t> log_bytes{0};  // about what commits have put into the log
  std::atomic<int64_t> rows{0};        // of table kRows: those of the start, and what came since
  std::atomic<bool> rows_known{false}; // those of the start are counted
};

}  // namespace fastmeta::store
