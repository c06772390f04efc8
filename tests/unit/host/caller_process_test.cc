// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/caller_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace fastmeta::host {
namespace {

const auto kSelf = static_cast<uint32_t>(::getpid());

TEST(CallerProcess, IsThatOfTheThread) {
  EXPECT_EQ(process_of(kSelf), kSelf);
  EXPECT_EQ(process_of(0), 0u);
  std::thread([] {
    const auto self = static_cast<uint32_t>(::gettid());
    ASSERT_NE(self, kSelf);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(process_of(self), kSelf);
  }).join();
}

TEST(CallerProcess, OfAThreadThatIsGoneIsNotThatOfBefore) {
  uint32_t gone = 0;
  std::thread([&] {
    gone = static_cast<uint32_t>(::gettid());
    EXPECT_EQ(process_of(gone), kSelf);
  }).join();
  // join() returns a little before the kernel has forgotten the number.
  for (int i = 0; i < 1000 && process_of(gone) != gone; ++i) ::usleep(1000);
  EXPECT_EQ(process_of(gone), gone);
}

TEST(CallerProcess, IsDyingOnceASignalEndsIt) {
  EXPECT_FALSE(is_dying(kSelf));
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const auto number = static_cast<uint32_t>(child);
  EXPECT_FALSE(is_dying(number));
  ::kill(child, SIGTERM);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, number, &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(is_dying(number));
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(is_dying(number)) << "it is gone";
  EXPECT_FALSE(is_dying(0)) << "one of another container";
}

}  // namespace
}  // namespace fastmeta::host
