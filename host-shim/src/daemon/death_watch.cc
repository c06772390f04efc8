// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/death_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "daemon/fuse_connection.h"
#include "daemon/process.h"

namespace fastmeta::host {
namespace {

constexpr char kName[] = "mount-watch";

// What goes through the pipe: a device and a zero, or only zeros when it is unmounted.
using Notice = std::array<char, 32>;

// Sent to the watch when the thread that began it ends. The end of the pipe alone would
// not do: a process that does not end keeps its files open.
int death_signal() { return SIGRTMIN + 1; }

// The command's words name a volume and a mount point; whoever looks for the mount's
// process by them must not find the watch.
void rename_process() {
  ::prctl(PR_SET_NAME, kName);
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  constexpr int kBeforeArguments = 45;  // from the third field to the 47th
  for (int n = 0; n < kBeforeArguments; ++n) fields >> skipped;
  uintptr_t begin = 0, end = 0;
  if (!(fields >> begin >> end) || begin == 0 || end - begin < sizeof kName) return;
  char* const words = reinterpret_cast<char*>(begin);
  std::memset(words, 0, end - begin);
  std::memcpy(words, kName, sizeof kName);
}

// Of what the mount has open or keeps busy, only the pipe is left.
int keep_only(int pipe) {
  constexpr int kKept = 3;
  const int high = ::fcntl(pipe, F_DUPFD_CLOEXEC, kKept);  // beyond the standard streams
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kKept; ++fd) {
    if (null < 0 || ::dup2(null, fd) < 0) ::close(fd);
  }
  if (null >= kKept) ::close(null);
  if (high != kKept) ::dup3(high, kKept, O_CLOEXEC);
  ::close_range(kKept + 1, ~0U, 0);
  if (::chdir("/") != 0) {
  }
  return kKept;
}

// 'Z' and 'X' have ended; so has a process that is not there.
bool first_thread_ended(pid_t pid) {
  const std::string task = std::to_string(pid);
  std::ifstream file("/proc/" + task + "/task/" + task + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  const size_t at = line.rfind(") ");
  return at != std::string::npos && at + 2 < line.size() &&
         (line[at + 2] == 'Z' || line[at + 2] == 'X');
}

// The signal comes a moment before the thread is seen as ended. False: it was sent by
// somebody else.
bool has_died(pid_t pid) {
  for (int look = 0; look < 100; ++look) {
    if (first_thread_ended(pid)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class Watch {
 public:
  Watch(std::string mount_point, pid_t mount, int pipe, int signals)
      : mount_point_(std::move(mount_point)), mount_(mount), pipe_(pipe), signals_(signals) {}

  // Until the mount's process has died.
  void wait() {
    for (;;) {
      pollfd fds[] = {{pipe_, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
      // What was said before the death counts.
      if (fds[0].revents != 0 && !hear()) return;
      if (fds[0].revents == 0 && fds[1].revents != 0) {
        signalfd_siginfo info{};
        if (::read(signals_, &info, sizeof info) > 0 && has_died(mount_)) return;
      }
    }
  }

  void end_mount() {
    if (device_.empty()) return;
    if (abort_file_ < 0 || ::write(abort_file_, "1", 1) != 1) {
      abort_by_path(mount_point_, device_);
    }
    ::openlog("fastmeta", LOG_PID, LOG_DAEMON);
    ::syslog(LOG_ERR, "process %d ended without unmounting %s: its connection is aborted", mount_,
             mount_point_.c_str());
  }

 private:
  // False at the end of the pipe.
  bool hear() {
    Notice notice{};
    const ssize_t got = ::read(pipe_, notice.data(), notice.size());
    if (got != static_cast<ssize_t>(notice.size())) return got < 0 && errno == EINTR;
    notice.back() = '\0';
    device_ = notice.data();
    if (abort_file_ >= 0) ::close(abort_file_);
    abort_file_ = device_.empty() ? -1 : open_abort_file(device_);
    return true;
  }

  const std::string mount_point_;
  const pid_t mount_;
  const int pipe_;
  const int signals_;
  std::string device_;  // empty: nothing is mounted
  int abort_file_ = -1;
};

[[noreturn]] void run_watch(const std::string& mount_point, pid_t mount, int pipe) {
  // Not of the terminal's or the shell's group, and what ends the mount in good order
  // does not end the watch before it.
  ::setsid();
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  const int kept = keep_only(pipe);
  rename_process();
  sigset_t death;
  sigemptyset(&death);
  sigaddset(&death, death_signal());
  const int signals = ::signalfd(-1, &death, SFD_CLOEXEC);
  ::prctl(PR_SET_PDEATHSIG, death_signal());
  Watch watch(mount_point, mount, kept, signals);
  // It may have died before the signal was asked for; then the pipe has ended.
  if (signals >= 0) watch.wait();
  watch.end_mount();
  ::_exit(0);
}

}  // namespace

std::unique_ptr<DeathWatch> DeathWatch::start(const std::string& mount_point, std::string* why) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    *why = std::string("no pipe: ") + ::strerror(errno);
    return nullptr;
  }
  const pid_t mount = ::getpid();
  const pid_t watch = ::fork();
  if (watch == 0) {
    ::close(ends[1]);
    run_watch(mount_point, mount, ends[0]);
  }
  const int failed = errno;
  ::close(ends[0]);
  if (watch < 0) {
    *why = std::string("fork: ") + ::strerror(failed);
    ::close(ends[1]);
    return nullptr;
  }
  return std::unique_ptr<DeathWatch>(new DeathWatch(watch, ends[1]));
}

DeathWatch::~DeathWatch() {
  ::close(pipe_);
  ::kill(watch_, SIGKILL);  // stopped, it would not go by itself
  while (::waitpid(watch_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void DeathWatch::mounted(const std::string& device) { tell(device); }

void DeathWatch::unmounted() { tell(""); }

// A watch that was killed is no reason to fail: SIGPIPE is ignored, and so is EPIPE.
void DeathWatch::tell(const std::string& device) {
  Notice notice{};
  device.copy(notice.data(), notice.size() - 1);
  while (::write(pipe_, notice.data(), notice.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace fastmeta::host
