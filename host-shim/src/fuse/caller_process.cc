// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/caller_process.h"

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

namespace fastmeta::host {
namespace {

// Numbers are used again, so what is remembered is asked of the kernel: signal 0 is not sent.
bool belongs(uint32_t thread, uint32_t process) {
  return ::tgkill(static_cast<pid_t>(process), static_cast<pid_t>(thread), 0) == 0 ||
         errno != ESRCH;
}

// 0: not known.
uint32_t look_up(uint32_t thread) {
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  std::string word;
  uint32_t process = 0;
  while (status >> word && word != "Tgid:") {
  }
  status >> process;
  return process;
}

}  // namespace

uint32_t process_of(uint32_t thread) {
  if (thread == 0 || belongs(thread, thread)) return thread;
  struct Known {
    uint32_t thread = 0, process = 0;
  };
  thread_local std::array<Known, 256> remembered;
  Known& known = remembered[thread % remembered.size()];
  if (known.thread != thread || !belongs(thread, known.process)) {
    const uint32_t process = look_up(thread);
    if (process == 0) return thread;
    known = {thread, process};
  }
  return known.process;
}

}  // namespace fastmeta::host
