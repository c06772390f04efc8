// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace fastmeta::store {

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Error file_error(const char* doing, const std::string& path, int code) {
  return {Fault::kLocalStore, code, fmt::format("cannot {} {}: {}", doing, path, strerror(code))};
}

bool file_exists(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0;
}

Result<void> make_dir(const std::string& path) {
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (part.empty() || part == "/") continue;
    if (::mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    const int code = errno;  // an automounter or a read-only parent may say otherwise
    if (!file_exists(part)) return file_error("make the directory", part, code);
  }
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return file_error("look at", path, errno);
  if (!S_ISDIR(st.st_mode)) return file_error("use as a directory", path, ENOTDIR);
  return {};
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), &::closedir);
  if (!dir) {
    if (errno == ENOENT) return names;
    return file_error("read the directory", path, errno);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return file_error("read the directory", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

uint64_t file_size(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  return static_cast<uint64_t>(st.st_size);
}

Result<std::optional<std::string>> read_small_file(const std::string& path, size_t max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::optional<std::string>();
    return file_error("open", path, errno);
  }
  std::string content(max + 1, '\0');
  size_t got = 0;
  while (got < content.size()) {
    const ssize_t n = ::read(fd.get(), content.data() + got, content.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("read", path, errno);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  if (got > max) return file_error("read", path, EFBIG);
  content.resize(got);
  return std::optional<std::string>(std::move(content));
}

Result<void> replace_file(const std::string& path, std::string_view content) {
  const std::string draft = path + ".new";
  const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return file_error("create", draft, errno);
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("write", draft, errno);
    rest.remove_prefix(static_cast<size_t>(n));
  }
  if (::fsync(fd.get()) != 0) return file_error("sync", draft, errno);
  if (::rename(draft.c_str(), path.c_str()) != 0) return file_error("replace", path, errno);
  return sync_dir(path.substr(0, path.rfind('/')));
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("remove", path, errno);
  return {};
}

Result<void> sync_dir(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return file_error("open the directory", path, errno);
  if (::fsync(fd.get()) != 0) return file_error("sync the directory", path, errno);
  return {};
}

}  // namespace fastmeta::store
