// SPDX-License-Identifier: GPL-3.0-or-later
// The sticky fault of a store, and what WiredTiger says about itself. Once its
// state is in doubt nothing is read from it or written to it any more: every call
// gets the first error again.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "util/log.h"
#include "util/result.h"

namespace fastmeta::store {

class Latch {
 public:
  Latch(std::string dir, Log log) : dir_(std::move(dir)), log_(std::move(log)) {}

  bool broken() const { return broken_.load(std::memory_order_acquire); }
  // The error that latched; kLocalStore.
  Error error() const;
  Result<void> check() const {
    if (!broken()) return {};
    return error();
  }

  // What a return code of WiredTiger other than 0 means. WT_ROLLBACK: kConflict.
  // All others latch.
  Error fail(int code, const char* doing);
  // The same without latching: for calls after which the store is as before.
  Error describe(int code, const char* doing) const;
  // Nothing may use the store after its end.
  void close();
  // WiredTiger has given up for this process: it cannot even be closed.
  bool panicked() const { return panicked_.load(std::memory_order_acquire); }
  // No line goes to the log after this call.
  void silence();

  // A line that WiredTiger reports; kept, as its return codes say little.
  void on_error(int code, const char* text);
  void on_message(const char* text);
  // The lines of on_error since the last call, one each.
  std::string take_reports();
  // What recovery said about a damaged log, empty: nothing.
  std::string log_damage() const;

 private:
  std::string reports_locked() const;
  void write_log(LogLevel level, const std::string& line);

  const std::string dir_;
  std::mutex log_mutex_;  // stands alone; held across the sink
  Log log_;               // guarded by log_mutex_
  std::atomic<bool> broken_{false}, panicked_{false};
  mutable std::mutex mutex_;   // stands alone
  Error error_;                // guarded by mutex_, as all below
  std::string reports_;        // bounded
  std::string log_damage_;
};

}  // namespace fastmeta::store
