// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/caller_process.h"

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
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

constexpr int kFlagsField = 9, kPendingField = 31;  // see proc_pid_stat(5)
constexpr uint64_t kEndedBySignal = 0x400;          // PF_SIGNALED of the kernel
// Pending for each thread of a process that any signal ends.
constexpr uint64_t kKill = uint64_t{1} << (SIGKILL - 1);

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

bool is_dying(uint32_t thread) {
  if (thread == 0) return false;
  if (::kill(static_cast<pid_t>(thread), 0) != 0 && errno == ESRCH) return true;
  std::ifstream stat("/proc/" + std::to_string(thread) + "/stat");
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // behind the name, field 2
  std::string skipped;
  uint64_t flags = 0, pending = 0;
  for (int field = 3; field < kFlagsField; ++field) stat >> skipped;
  stat >> flags;
  for (int field = kFlagsField + 1; field < kPendingField; ++field) stat >> skipped;
  return stat >> pending && ((flags & kEndedBySignal) != 0 || (pending & kKill) != 0);
}

}  // namespace fastmeta::host
