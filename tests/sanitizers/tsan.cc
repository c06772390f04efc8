// SPDX-License-Identifier: GPL-3.0-or-later
// The thread sanitizer sees of WiredTiger, which is not built with it, only what goes
// through the C library (memcpy, free), not the atomics that order it: false alarms.
// What our own code does stays under its eye. Its threads outlive a panic of it.
#ifdef __SANITIZE_THREAD__
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() {
  return "called_from_lib:libwiredtiger.so\n"
         "race:libwiredtiger.so\n"
         "thread:__wt_thread_create\n";
}
#endif
