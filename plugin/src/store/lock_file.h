// SPDX-License-Identifier: GPL-3.0-or-later
// One process at a time: flock on a file that names its holder. The kernel lets go
// of it when the process ends, however it ends.
#pragma once

#include <string>

#include "store/files.h"

namespace fastmeta::store {

class LockFile {
 public:
  // kConfig (EBUSY) naming the process that has it.
  static Result<LockFile> take(const std::string& path);
  // The file goes too; for a store that is being removed.
  Result<void> remove();

 private:
  LockFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
};

}  // namespace fastmeta::store
