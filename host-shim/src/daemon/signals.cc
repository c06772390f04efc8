// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace fastmeta::host {
namespace {

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void EndSignals::block() {
  const sigset_t set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

EndSignals::EndSignals(std::function<void(int)> begin, std::function<void(int)> again)
    : begin_(std::move(begin)), again_(std::move(again)), quit_(::eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] { run(); });
}

EndSignals::~EndSignals() {
  const uint64_t one = 1;
  while (::write(quit_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  ::close(quit_);
}

void EndSignals::run() {
  const sigset_t set = end_signals();
  const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
  // begin_ takes long; it has a thread so that later signals are heard.
  std::thread beginning;
  for (;;) {
    pollfd fds[] = {{signals, POLLIN, 0}, {quit_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) break;
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) != sizeof info) continue;
    const int signal = static_cast<int>(info.ssi_signo);
    if (beginning.joinable()) {
      again_(signal);
    } else {
      beginning = std::thread([this, signal] { begin_(signal); });
    }
  }
  if (beginning.joinable()) beginning.join();
  ::close(signals);
}

}  // namespace fastmeta::host
