// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/event.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "util/check.h"

namespace fastmeta::redis {

Event::Event() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { MDP_CHECK(fd_ >= 0); }

Event::~Event() { ::close(fd_); }

void Event::set() const {
  uint64_t one = 1;
  // Fails only when the counter is full: then it is set already.
  [[maybe_unused]] ssize_t written = ::write(fd_, &one, sizeof one);
}

void Event::clear() const {
  uint64_t count = 0;
  [[maybe_unused]] ssize_t got = ::read(fd_, &count, sizeof count);
}

bool Event::is_set() const {
  pollfd one{fd_, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

int poll_ms(Deadline deadline) {
  using std::chrono::milliseconds;
  auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  auto left = deadline - now;
  constexpr auto kMost = milliseconds(60'000);
  if (left >= kMost) return static_cast<int>(kMost.count());
  return static_cast<int>(std::chrono::ceil<milliseconds>(left).count());
}

Ready wait_for(int fd, short events, Deadline deadline, const Event& stop, short* seen) {
  for (;;) {
    pollfd both[2] = {{fd, events, 0}, {stop.fd(), POLLIN, 0}};
    int timeout = poll_ms(deadline);
    int count = ::poll(both, 2, timeout);
    if (count < 0) {
      MDP_CHECK(errno == EINTR);
      continue;
    }
    if (both[1].revents != 0) return Ready::kStopped;
    if (both[0].revents != 0) {
      if (seen) *seen = both[0].revents;
      return Ready::kReady;
    }
    if (std::chrono::steady_clock::now() >= deadline) return Ready::kDeadline;
  }
}

bool pause_until(Deadline deadline, const Event& stop) {
  return wait_for(-1, 0, deadline, stop) != Ready::kStopped;
}

}  // namespace fastmeta::redis
