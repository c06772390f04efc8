// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the local store below cache.max-size: clean rows go, in the order of their keys
// from where the last pass ended; rows of inodes with pending changes stay. Nothing goes
// while the server is away: what is known is all there is to answer with.
//
// Threads: start, stop and evicted any; pass() by one at a time: the evictor's own thread
// between start and stop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "engine/fastmeta/parts.h"
#include "store/store.h"

namespace fastmeta::engine {

class Evictor {
 public:
  static constexpr size_t kRowsEach = 2000;

  Evictor(Parts& parts, store::Store& store, size_t rows_each = kRowsEach)
      : parts_(parts), store_(store), rows_each_(rows_each) {}
  ~Evictor() { stop(); }

  void start();
  void stop();

  // At most rows_each rows (two or more) a call. true: there is more to do now; false: the
  // store is small enough, or nothing that is left may go.
  Result<bool> pass();
  uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  void run();
  // How many bytes of rows have to go; 0: none.
  uint64_t excess() const;
  Result<bool> evict();
  Result<void> give_space_back();

  Parts& parts_;
  store::Store& store_;
  const size_t rows_each_;
  std::string from_;          // key of the next row to look at
  uint64_t to_free_ = 0;      // bytes of rows that are still to go
  uint64_t freed_round_ = 0;  // since the first key
  std::atomic<uint64_t> evicted_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fastmeta::engine
