/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loaded into a program before its libraries: sets its wall clock off by as many nanoseconds as
 * the 8 bytes of the file FASTMETA_TEST_CLOCK say, whatever they say at the moment. Times that
 * only go on (CLOCK_MONOTONIC), and the kernel's, stay: who waits until a wall-clock time hangs, or
 * does not wait at all.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t kSecond = 1000000000;
static const int64_t kNone = 0;
static volatile const int64_t* ahead = &kNone;
static int (*real_gettime)(clockid_t, struct timespec*);

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("FASTMETA_TEST_CLOCK");
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void* bytes = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  if (bytes != MAP_FAILED) ahead = bytes;
  close(file);
}

int clock_gettime(clockid_t which, struct timespec* out) {
  if (real_gettime == NULL)
    *(void**)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  const int rc = real_gettime(which, out);
  if (rc != 0 || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE)) return rc;
  const int64_t set = out->tv_sec * kSecond + out->tv_nsec + *ahead;
  out->tv_sec = set / kSecond;
  out->tv_nsec = set % kSecond;
  return 0;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
