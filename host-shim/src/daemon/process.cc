// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <thread>

namespace fastmeta::host {
namespace {

constexpr char kType[] = "fuse.fastmeta";

// mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "… 36 35 0:57 / /mnt rw,nosuid shared:1 - fuse.fastmeta source rw,user_id=0,…"
std::optional<MountPoint> parse_line(const std::string& line) {
  std::istringstream words(line);
  std::string parent, root, options, word;
  MountPoint mount;
  if (!(words >> mount.id >> parent >> mount.device >> root >> mount.path >> options)) {
    return std::nullopt;
  }
  while (words >> word && word != "-") {
  }
  std::string super;
  if (!(words >> mount.type >> mount.source >> super) || mount.type != kType) {
    return std::nullopt;
  }
  mount.path = unescape(mount.path);
  mount.source = unescape(mount.source);
  if (const size_t at = super.find("user_id="); at != std::string::npos) {
    mount.user = static_cast<unsigned int>(std::strtoul(super.c_str() + at + 8, nullptr, 10));
  }
  return mount;
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_below(const std::string& path, const std::string& root) {
  return path == root || root == "/" ||
         (path.size() > root.size() && path.compare(0, root.size(), root) == 0 &&
          path[root.size()] == '/');
}

// The path without symbolic links, as far as that can be told without entering one
// of our mounts, whose daemon may not answer.
std::string resolved(const std::string& path, const std::vector<MountPoint>& mounts) {
  std::string absolute = path;
  if (absolute.empty() || absolute[0] != '/') {
    char here[PATH_MAX];
    if (::getcwd(here, sizeof here) != nullptr) absolute = std::string(here) + "/" + path;
  }
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  for (const MountPoint& mount : mounts) {
    if (is_below(absolute, mount.path)) return absolute;
  }
  // The last part may be one of our mounts: only its folder is resolved.
  const size_t slash = absolute.rfind('/');
  const std::string folder = slash == 0 ? "/" : absolute.substr(0, slash);
  char real[PATH_MAX];
  if (::realpath(folder.c_str(), real) == nullptr) return absolute;
  const std::string joined =
      (std::string(real) == "/" ? "" : std::string(real)) + absolute.substr(slash);
  for (const MountPoint& mount : mounts) {
    if (is_below(joined, mount.path)) return joined;
  }
  if (::realpath(joined.c_str(), real) != nullptr) return real;
  return joined;
}

// fusermount3 is what an ordinary user unmounts with.
int run_fusermount(const std::string& path, bool lazily) {
  std::string words[] = {"fusermount3", "-u", "-q", lazily ? "-z" : "--", path};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (const int failed = ::posix_spawnp(&child, "fusermount3", nullptr, nullptr, argv.data(),
                                        environ);
      failed != 0) {
    return -failed;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

int unmount_with(const std::string& path, int flags, bool lazily) {
  if (::umount2(path.c_str(), flags | UMOUNT_NOFOLLOW) == 0) return 0;
  if (errno != EPERM) return -errno;
  return run_fusermount(path, lazily);
}

void hide_in_url(char* text, char* end) {
  char* begin = std::strstr(text, "://");
  if (begin == nullptr) return;
  begin += 3;
  // The last '@' before the path: a password may hold one.
  char* const path = std::find(begin, end, '/');
  char* at = path;
  while (at > begin && *at != '@') --at;
  if (*at != '@') return;
  char* const colon = std::find(begin, at, ':');
  if (colon != at) std::fill(colon + 1, at, '*');
}

// To the end of the argument: whether a comma ends the value only its reader knows.
void hide_behind_keys(char* text, char* end) {
  for (char* word = text; word != end;) {
    char* const stop = std::find_if(word, end, [](char c) { return c == '=' || c == ','; });
    const std::string_view name(word, static_cast<size_t>(stop - word));
    for (const std::string_view secret : {"password", "passwd", "secret", "token"}) {
      if (stop != end && *stop == '=' && name.find(secret) != std::string_view::npos)
        return std::fill(stop + 1, end, '*');
    }
    word = stop == end ? end : stop + 1;
  }
}

}  // namespace

std::vector<MountPoint> parse_mountinfo(const std::string& text) {
  std::vector<MountPoint> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (auto mount = parse_line(line)) out.push_back(std::move(*mount));
  }
  return out;
}

std::optional<MountPoint> find_mount(const std::string& path) {
  const std::vector<MountPoint> mounts = parse_mountinfo(contents_of("/proc/self/mountinfo"));
  const std::string real = resolved(path, mounts);
  std::optional<MountPoint> best;
  for (const MountPoint& mount : mounts) {
    // The last of those on one path is the one on top.
    if (is_below(real, mount.path) && (!best || mount.path.size() >= best->path.size())) {
      best = mount;
    }
  }
  return best;
}

std::optional<MountPoint> mount_seen_at(const std::string& path) {
  const int fd = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::istringstream words(contents_of("/proc/self/fdinfo/" + std::to_string(fd)));
  ::close(fd);
  int id = 0;
  for (std::string word; words >> word;) {
    if (word == "mnt_id:") words >> id;
  }
  for (MountPoint& mount : parse_mountinfo(contents_of("/proc/self/mountinfo"))) {
    if (mount.id == id) return std::move(mount);
  }
  return std::nullopt;
}

int unmount_unused(const std::string& path) { return unmount_with(path, 0, false); }

int unmount_lazily(const std::string& path) { return unmount_with(path, MNT_DETACH, true); }

void unmount_by_force(const std::string& path) {
  if (::umount2(path.c_str(), MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
    unmount_lazily(path);
  }
}

bool wait_for_end(int pid, std::chrono::milliseconds timeout) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd process{fd, POLLIN, 0};
  const int rc = ::poll(&process, 1, static_cast<int>(timeout.count()));
  ::close(fd);
  return rc == 1;
}

void hide_passwords(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char* const end = argv[i] + std::strlen(argv[i]);
    hide_in_url(argv[i], end);
    hide_behind_keys(argv[i], end);
  }
}

}  // namespace fastmeta::host
