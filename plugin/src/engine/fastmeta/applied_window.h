// SPDX-License-Identifier: GPL-3.0-or-later
// Records that the server has taken, kept for a while in table kApplied: a server that
// forgets its last second (fail-over, an append-only file that is synced once a second)
// is offered them again. A row is the time of applying (8 bytes, big-endian, ms) and the
// record.
//
// Threads: the worker's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/plugin_config.h"
#include "engine/fastmeta/identity.h"
#include "store/tables.h"
#include "util/clock.h"

namespace fastmeta::engine {

std::string applied_row(Timestamp at, std::string_view record);
// The record's bytes; empty: the row is damaged.
std::string_view applied_record(std::string_view row);

class AppliedWindow {
 public:
  static constexpr size_t kStep = 512;  // records a transaction
  static constexpr std::chrono::milliseconds kEvery{1000};

  AppliedWindow(store::Tables& tables, const config::SyncConfig& limits)
      : tables_(tables), limits_(limits) {}

  Result<void> load();
  void added(size_t records) { records_ += records; }
  void removed(size_t records) { records_ -= std::min(records, records_); }
  // Erases one step of what is too old or too many. Sets progress.trimmed, saved with it.
  Result<void> trim(Timestamp now, Progress& progress);

 private:
  store::Tables& tables_;
  const config::SyncConfig limits_;
  size_t records_ = 0;
  uint64_t from_ = 0;  // scans begin there, not at erased rows
  int64_t next_ms_ = 0;
};

}  // namespace fastmeta::engine
