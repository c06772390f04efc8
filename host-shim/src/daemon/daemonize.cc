// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/exit_code.h"

namespace fastmeta::host {
namespace {

// The child's exit code when it ends before it is ready, 0 when it is.
int outcome(int pipe, pid_t child) {
  char word = 0;
  ssize_t got = 0;
  do {
    got = ::read(pipe, &word, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) return kOk;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : kFailed;
  std::fprintf(stderr, "fastmeta: the background process ended by signal %d\n",
               WTERMSIG(status));
  return kFailed;
}

}  // namespace

Background::Background(bool stay) {
  if (stay) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    std::fprintf(stderr, "fastmeta: no pipe: %s\n", std::strerror(errno));
    ::_exit(kFailed);
  }
  const pid_t child = ::fork();
  if (child < 0) {
    std::fprintf(stderr, "fastmeta: cannot go to the background: %s\n", std::strerror(errno));
    ::_exit(kFailed);
  }
  if (child > 0) {
    ::close(ends[1]);
    ::_exit(outcome(ends[0], child));
  }
  ::close(ends[0]);
  report_ = ends[1];
  ::setsid();
}

Background::~Background() {
  if (report_ >= 0) ::close(report_);
}

void Background::ready() {
  if (report_ < 0) return;
  std::fflush(nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= 2 && null >= 0; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
  // No folder is kept busy by a daemon.
  if (::chdir("/") != 0) {
  }
  const char word = 1;
  while (::write(report_, &word, 1) < 0 && errno == EINTR) {
  }
  ::close(report_);
  report_ = -1;
}

}  // namespace fastmeta::host
