// SPDX-License-Identifier: GPL-3.0-or-later
// Held while a path in a folder is taken or given up: to look whose file is there and to remove
// it are two steps. Between processes, by a lock on the folder itself.
#pragma once

#include <string>

namespace fastmeta::host {

class FolderLock {
 public:
  // path: of a file in the folder. Somebody who holds the lock for long is not waited for, and a
  // folder that cannot be opened has none: what is done under it is then as good as without.
  explicit FolderLock(const std::string& path);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  const int fd_;
};

}  // namespace fastmeta::host
