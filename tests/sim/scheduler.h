// SPDX-License-Identifier: GPL-3.0-or-later
// Virtual time, events, and fibers that wait in it: everything runs on one thread, in an
// order that the seed decides, and takes no real time.
//
// A fiber stands for a thread of some process. It may wait only through here; a lock that
// is held across a wait would stop everything, which is how I11 shows. When its process
// dies, every wait of it ends by Killed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/seed.h"

namespace fastmeta::sim {

using Time = int64_t;  // ns since the beginning
inline constexpr Time kMicrosecond = 1000, kMillisecond = 1'000'000, kSecond = 1'000'000'000;

// Unwinds a fiber whose process was killed.
struct Killed {};

// What dies together.
struct Process {
  std::string name;
  bool dead = false;
};
using ProcessPtr = std::shared_ptr<Process>;

class Fiber;

class Scheduler {
 public:
  explicit Scheduler(test::Dice& dice);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;

  Time now() const { return now_; }
  // `event` must not wait.
  void at(Time when, std::function<void()> event);
  void spawn(ProcessPtr process, std::function<void()> work);
  // Fibers of the process that wait are ended at once; the one that calls, by Killed when
  // it waits next.
  void kill(const ProcessPtr& process);

  // All fibers, before what they use goes.
  void end();

  // Of the running fiber.
  void sleep(Time duration);
  // Until woken; true: by wake(), false: the time has come.
  bool park(Time until);
  Fiber* current() const { return current_; }
  // After `delay`, as a thread that is not run at once.
  void wake(Fiber* fiber, Time delay = 0);
  // Throws Killed if its process is dead.
  void check_alive() const;

  // Runs what is due until the time is `until`, or `done` says so (asked after each event).
  void run(Time until, const std::function<bool()>& done);

 private:
  friend class Fiber;
  void resume(Fiber* fiber);

  test::Dice& dice_;
  Time now_ = 0;
  // Events of one moment come in a random order.
  std::multimap<std::pair<Time, uint64_t>, std::function<void()>> events_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  Fiber* current_ = nullptr;
};

}  // namespace fastmeta::sim
