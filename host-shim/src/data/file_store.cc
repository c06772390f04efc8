// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <deque>
#include <random>

namespace fastmeta::host {
namespace {

constexpr size_t kSyncedTogether = 64;
constexpr size_t kLastingMax = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  // Some file systems tell of a full disk only here.
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0 ? 0 : -errno;
  }

 private:
  int fd_;
};

int write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    data += n;
    size -= static_cast<size_t>(n);
  }
  return 0;
}

int read_all(int fd, char* out, size_t size, size_t off) {
  while (size > 0) {
    const ssize_t n = ::pread(fd, out, size, static_cast<off_t>(off));
    if (n < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    if (n == 0) return -EBADMSG;
    out += n;
    off += static_cast<size_t>(n);
    size -= static_cast<size_t>(n);
  }
  return 0;
}

int open_to_read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

// Some file systems have no notion of it.
int sync_directory(const std::string& path) {
  const int fd = open_to_read(path);
  if (fd < 0) return fd == -ENOENT ? 0 : fd;
  const Descriptor folder(fd);
  return ::fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -errno;
}

int open_new(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return fd >= 0 ? fd : -errno;
}

}  // namespace

int make_directories(const std::string& path, size_t there) {
  for (size_t at = there + 1; at <= path.size(); ++at) {
    if (at < path.size() && path[at] != '/') continue;
    if (::mkdir(path.substr(0, at).c_str(), 0777) != 0 && errno != EEXIST) return -errno;
  }
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return -errno;
  return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

FileStore::FileStore(std::string root) : root_(std::move(root)), kept_(root_) {
  std::random_device random;
  tmp_prefix_ = (uint64_t{random()} << 32) | random();
}

int FileStore::put(const std::string& name, const char* data, size_t size) {
  const std::string path = root_ + name;
  const size_t slash = path.rfind('/');
  const std::string folder = path.substr(0, slash);
  char suffix[48];
  std::snprintf(suffix, sizeof suffix, ".tmp.%" PRIx64 "%x", tmp_prefix_,
                tmp_next_.fetch_add(1, std::memory_order_relaxed));
  const std::string tmp = folder + "/.jfs." + path.substr(slash + 1) + suffix;

  int fd = open_new(tmp);
  if (fd == -ENOENT) {
    if (const int rc = make_folder(folder); rc != 0) return rc;
    fd = open_new(tmp);
  }
  if (fd < 0) return fd;
  Descriptor file(fd);
  int rc = write_all(fd, data, size);
  const int closed = file.close();
  if (rc == 0) rc = closed;
  if (rc == 0 && ::rename(tmp.c_str(), path.c_str()) != 0) rc = -errno;
  if (rc != 0) ::unlink(tmp.c_str());
  return rc;
}

int FileStore::make_folder(const std::string& folder) {
  const int rc = make_directories(folder, root_.size());
  std::lock_guard lock(mutex_);
  lasting_.erase(folder);
  return rc == -ENOENT ? -ENODEV : rc;
}

// All are set in motion before the first is waited for.
int FileStore::sync(const std::vector<std::string>& names) {
  std::set<std::string> folders;
  for (size_t begin = 0; begin < names.size(); begin += kSyncedTogether) {
    const size_t end = std::min(names.size(), begin + kSyncedTogether);
    std::deque<Descriptor> files;
    for (size_t i = begin; i < end; ++i) {
      const int fd = open_to_read(root_ + names[i]);
      if (fd == -ENOENT) continue;
      if (fd < 0) return fd;
      files.emplace_back(fd);
      if (end - begin > 1) ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
      folders.insert(names[i].substr(0, names[i].rfind('/')));
    }
    for (const Descriptor& file : files) {
      if (::fdatasync(file.get()) != 0) return -errno;
    }
  }
  for (const std::string& folder : folders) {
    if (const int rc = sync_folder(root_ + folder); rc != 0) return rc;
  }
  return 0;
}

// Of a folder that is met for the first time those above it, too.
int FileStore::sync_folder(const std::string& folder) {
  if (const int rc = sync_directory(folder); rc != 0) return rc;
  {
    std::lock_guard lock(mutex_);
    if (lasting_.contains(folder)) return 0;
  }
  for (std::string above = folder; above.size() > root_.size();) {
    above.resize(std::max(above.rfind('/'), root_.size() - 1));
    if (const int rc = sync_directory(above); rc != 0) return rc;
  }
  std::lock_guard lock(mutex_);
  if (lasting_.size() >= kLastingMax) lasting_.clear();
  lasting_.insert(folder);
  return 0;
}

int FileStore::sync_all() {
  const int fd = open_to_read(root_);
  if (fd < 0) return fd == -ENOENT ? -ENODEV : fd;
  const Descriptor root(fd);
  return ::syncfs(fd) == 0 ? 0 : -errno;
}

int FileStore::get(const std::string& name, size_t most, std::vector<char>* out) {
  const int fd = open_to_read(root_ + name);
  if (fd < 0) return fd;
  Descriptor file(fd);
  struct stat st;
  if (::fstat(fd, &st) != 0) return -errno;
  const auto size = static_cast<size_t>(st.st_size);
  if (size > most) return -EBADMSG;
  out->resize(size);
  return read_all(fd, out->data(), size, 0);
}

int FileStore::get_range(const std::string& name, size_t whole, size_t off, size_t n, char* out) {
  const int fd = open_to_read(root_ + name);
  if (fd < 0) return fd;
  Descriptor file(fd);
  struct stat st;
  if (::fstat(fd, &st) != 0) return -errno;
  if (static_cast<size_t>(st.st_size) != whole) return -EBADMSG;
  return read_all(fd, out, n, off);
}

int FileStore::size_of(const std::string& name, uint64_t* size) {
  struct stat st;
  if (::stat((root_ + name).c_str(), &st) != 0) return -errno;
  *size = static_cast<uint64_t>(st.st_size);
  return 0;
}

int FileStore::keep(const std::string& name, uint64_t* size) {
  const int rc = kept_.keep(name);
  return rc != 0 ? rc : size_of(name, size);
}

void FileStore::tend() { kept_.tend(KeptObjects::Clock::now()); }

int FileStore::remove(const std::string& name) {
  kept_.forget(name);
  if (::unlink((root_ + name).c_str()) == 0 || errno == ENOENT) return 0;
  return -errno;
}

void FileStore::will_need(const std::string& name) {
  const int fd = open_to_read(root_ + name);
  if (fd < 0) return;
  Descriptor file(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
}

}  // namespace fastmeta::host
