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
};

}  // namespace fastmeta::store
