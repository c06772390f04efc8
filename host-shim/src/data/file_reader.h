// SPDX-License-Identifier: GPL-3.0-or-later
// The reading side of one file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "data/core.h"
#include "data/file_writer.h"
#include "data/read_ahead.h"

namespace fastmeta::host {

class FileReader {
 public:
  FileReader(std::shared_ptr<Core> core, uint64_t ino, FileWriter* writer);

  int read(const mdp_caller& who, uint64_t off, char* out, size_t size, size_t* got);
  // What was learnt of the contents is no longer so.
  void reset();

 private:
  using Clock = std::chrono::steady_clock;

  int length_now(const mdp_caller& who, uint64_t* length) const;
  int read_chunk(const mdp_caller& who, uint32_t chunk, uint32_t pos, uint32_t n, char* out);
  // Whether to look again for an object that was missing since `since`.
  int wait_for_object(const mdp_caller& who, const std::string& name, Clock::time_point since);
  void begin_read_ahead(ReadAhead::Range range);

  const std::shared_ptr<Core> core_;
  const uint64_t ino_;
  FileWriter* const writer_;

  std::mutex mutex_;      // a leaf
  ReadAhead read_ahead_;  // guarded by mutex_
};

}  // namespace fastmeta::host
