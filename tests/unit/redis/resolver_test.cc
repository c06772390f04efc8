// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/resolver.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace {

// The system's look-up, which for one name waits until the test lets it go on.
constexpr const char* kSlowName = "slow.test.invalid";
std::mutex slow;
std::atomic<int> slow_calls{0};

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (strcmp(host, kSlowName) != 0 || (hints->ai_flags & AI_NUMERICHOST))
    return real(host, service, hints, found);
  ++slow_calls;
  std::lock_guard wait(slow);
  return real("127.0.0.2", service, hints, found);
}

namespace fastmeta::redis {
namespace {

using namespace std::chrono_literals;

TEST(Resolver, TranslatesNumbersWithoutALookUp) {
  Resolver resolver;
  Event stop;
  auto four = resolver.resolve("127.0.0.9", 77, deadline_in(0ms), stop);
  ASSERT_TRUE(four);
  ASSERT_EQ(four->size(), 1u);
  auto* in = reinterpret_cast<const sockaddr_in*>(four->front().get());
  EXPECT_EQ(in->sin_family, AF_INET);
  EXPECT_EQ(ntohs(in->sin_port), 77);
  EXPECT_EQ(ntohl(in->sin_addr.s_addr), 0x7f000009u);
  auto six = resolver.resolve("::1", 77, deadline_in(0ms), stop);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->front().get()->sa_family, AF_INET6);
}

TEST(Resolver, KeepsTheDeadlineOfASilentLookUpAndNeverStartsASecond) {
  Resolver resolver;
  Event stop;
  std::unique_lock held(slow);
  slow_calls = 0;
  auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto none = resolver.resolve(kSlowName, 77, deadline_in(100ms), stop);
      ASSERT_FALSE(none);
      EXPECT_EQ(none.error().fault, Fault::kDisconnected);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(resolver.resolve(kSlowName, 77, deadline_in(50ms), stop));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(slow_calls, 1);
  held.unlock();
  auto late = resolver.resolve(kSlowName, 77, deadline_in(5s), stop);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->size(), 1u);
  EXPECT_EQ(slow_calls, 1);
  EXPECT_TRUE(resolver.resolve(kSlowName, 77, deadline_in(5s), stop));
  EXPECT_EQ(slow_calls, 2);
}

TEST(Resolver, EndsTheWaitWhenStopped) {
  Resolver resolver;
  Event stop;
  std::unique_lock held(slow);
  std::thread stops([&] {
    std::this_thread::sleep_for(30ms);
    stop.set();
  });
  auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(resolver.resolve(kSlowName, 77, deadline_in(60s), stop));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  stops.join();
  held.unlock();
  // The thread that was left behind ends by itself.
  Event go_on;
  EXPECT_TRUE(resolver.resolve(kSlowName, 77, deadline_in(5s), go_on));
}

}  // namespace
}  // namespace fastmeta::redis
