// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/kept_objects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <vector>

#include "data/file_store.h"

namespace fastmeta::host {

namespace {

using namespace std::chrono_literals;

// Well below the hour of a garbage collection.
constexpr time_t kOldSeconds = 50 * 60;
// The last is behind the end of any that had begun before.
constexpr std::chrono::seconds kLookAgain[] = {2s, 10s, 60s, 600s, 4200s};
constexpr size_t kLateMax = 65'536;
// Who wants a link kept asks for it every half hour at least.
constexpr std::chrono::hours kCleanEvery{1}, kKeptFor{72};

std::string this_machine() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "unnamed";
  return name;
}

// "2026-07-31", which sorts as the days do.
std::string day_of(std::chrono::system_clock::time_point when) {
  const time_t seconds = std::chrono::system_clock::to_time_t(when);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%F", &parts);
  return text;
}

std::string base_of(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// Links `from` as `to`, making the folder of that if there is none. 0 or -errno.
int link_as(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return 0;
  if (errno != ENOENT) return -errno;
  if (::access(from.c_str(), F_OK) != 0) return -errno;
  if (const int rc = make_directories(to.substr(0, to.rfind('/'))); rc != 0) return rc;
  return ::link(from.c_str(), to.c_str()) == 0 ? 0 : -errno;
}

std::vector<std::filesystem::path> days(const std::string& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed))
    found.push_back(at->path());
  return found;
}

}  // namespace

KeptObjects::KeptObjects(const std::string& root)
    : root_(root),
      folder_(root + "fastmeta-kept/" + this_machine() + "/"),
      any_(::access(folder_.c_str(), F_OK) == 0),
      cleaned_(Clock::now()) {}

int KeptObjects::renew(const std::string& name, bool* found_old) const {
  const std::string path = root_ + name;
  struct stat st;
  *found_old = ::stat(path.c_str(), &st) != 0 || ::time(nullptr) - st.st_mtime > kOldSeconds;
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0 || errno != ENOENT) return 0;
  if (const int rc = bring_back(name); rc != 0) return rc;
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return 0;
}

int KeptObjects::bring_back(const std::string& name) const {
  for (const auto& day : days(folder_)) {
    const int rc = link_as(day / base_of(name), root_ + name);
    if (rc == 0 || rc == -EEXIST) return 0;
    if (rc != -ENOENT) return rc;
  }
  return -ENOENT;
}

int KeptObjects::keep(const std::string& name) {
  bool old = false;
  if (const int rc = renew(name, &old); rc != 0) return rc;
  any_.store(true, std::memory_order_relaxed);
  const std::string today = day_of(std::chrono::system_clock::now());
  static_cast<void>(link_as(root_ + name, folder_ + today + "/" + base_of(name)));
  if (!old) return 0;
  std::lock_guard lock(mutex_);
  if (late_.size() < kLateMax) late_.push_back({name, Clock::now() + kLookAgain[0]});
  return 0;
}

void KeptObjects::forget(const std::string& name) {
  if (!any_.load(std::memory_order_relaxed)) return;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(late_, [&](const Late& late) { return late.name == name; });
  }
  for (const auto& day : days(folder_)) ::unlink((day / base_of(name)).c_str());
}

void KeptObjects::tend(Clock::time_point now) {
  std::deque<Late> due;
  bool clean_now = false;
  {
    std::lock_guard lock(mutex_);
    for (size_t n = late_.size(); n > 0; --n) {
      (late_.front().due <= now ? due : late_).push_back(late_.front());
      late_.pop_front();
    }
    if (now - cleaned_ >= kCleanEvery) {
      cleaned_ = now;
      clean_now = any_.load(std::memory_order_relaxed);
    }
  }
  for (Late& late : due) {
    bool old = false;
    if (renew(late.name, &old) != 0 || ++late.looked == std::size(kLookAgain)) continue;
    late.due = now + kLookAgain[late.looked];
    std::lock_guard lock(mutex_);
    late_.push_back(late);
  }
  if (clean_now) clean(std::chrono::system_clock::now() - kKeptFor);
}

void KeptObjects::clean(std::chrono::system_clock::time_point oldest) const {
  const std::string first = day_of(oldest);
  std::error_code ignored;
  for (const auto& day : days(folder_))
    if (day.filename() < first) std::filesystem::remove_all(day, ignored);
}

}  // namespace fastmeta::host
