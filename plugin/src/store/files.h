// SPDX-License-Identifier: GPL-3.0-or-later
// The few things that the store does with files by itself. Errors are kLocalStore
// and name the path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.h"

namespace fastmeta::store {

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

Error file_error(const char* doing, const std::string& path, int code);

bool file_exists(const std::string& path);
// With its parents, mode 0700; no error when it is there.
Result<void> make_dir(const std::string& path);
// The names in it, without . and .., sorted; none when the directory is not there.
Result<std::vector<std::string>> list_dir(const std::string& path);
// Of a regular file, 0 when it is not there.
uint64_t file_size(const std::string& path);
// Nothing when there is no such file. Longer than `max` bytes is an error.
Result<std::optional<std::string>> read_small_file(const std::string& path, size_t max = 4096);
// Either the old or the new content is there, whatever happens; durable on return.
Result<void> replace_file(const std::string& path, std::string_view content);
// No error when it is not there.
Result<void> remove_file(const std::string& path);
Result<void> sync_dir(const std::string& path);

}  // namespace fastmeta::store
