// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting for sockets, with a way to be woken.
#pragma once

#include <poll.h>

#include "util/clock.h"

namespace fastmeta::redis {

// A flag that poll() can wait for.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() const;
  void clear() const;
  bool is_set() const;
  int fd() const { return fd_; }

 private:
  int fd_;
};

enum class Ready { kReady, kDeadline, kStopped };

// Waits until one of `events` (or an error) is there on the socket, the deadline
// has passed or `stop` is set. `seen`, if any, receives poll's answer.
Ready wait_for(int fd, short events, Deadline deadline, const Event& stop,
               short* seen = nullptr);

// Waits for the time alone: false when stopped before.
bool pause_until(Deadline deadline, const Event& stop);

// Milliseconds until then for poll(): rounded up, so that it does not spin at the
// end, and bounded, so that it fits.
int poll_ms(Deadline deadline);

}  // namespace fastmeta::redis
