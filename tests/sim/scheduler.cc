// SPDX-License-Identifier: GPL-3.0-or-later
#include "sim/scheduler.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>

#include "util/check.h"

#if defined(__has_feature)  // clang has no name of its own for it
#if __has_feature(address_sanitizer)
#define FASTMETA_SIM_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FASTMETA_SIM_ASAN 1
#endif
#ifdef FASTMETA_SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace fastmeta::sim {

namespace {
constexpr size_t kStack = size_t{1} << 20;
}  // namespace

// Its stack is known to the address sanitizer, which otherwise takes it for an overflow.
class Fiber {
 public:
  Fiber(ProcessPtr process, std::function<void()> work)
      : process_(std::move(process)), work_(std::move(work)) {
    stack_ = mmap(nullptr, kStack, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    MDP_CHECK(stack_ != MAP_FAILED);
    getcontext(&own_);
    own_.uc_stack.ss_sp = stack_;
    own_.uc_stack.ss_size = kStack;
    own_.uc_link = nullptr;
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::begin), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
  }
  ~Fiber() { free_stack(); }
  Fiber(const Fiber&) = delete;

  void enter() {
#ifdef FASTMETA_SIM_ASAN
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, stack_, kStack);
#endif
    swapcontext(&outside_, &own_);
#ifdef FASTMETA_SIM_ASAN
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  }
  void leave() {
#ifdef FASTMETA_SIM_ASAN
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(over ? nullptr : &fake, outside_stack_, outside_size_);
#endif
    swapcontext(&own_, &outside_);
#ifdef FASTMETA_SIM_ASAN
    __sanitizer_finish_switch_fiber(fake, &outside_stack_, &outside_size_);
#endif
  }

  void free_stack() {
    if (stack_) munmap(std::exchange(stack_, nullptr), kStack);
  }
  const ProcessPtr& process() const { return process_; }
  bool over = false;
  bool parked = false;   // waits in park()
  bool woken = false;
  uint64_t waits = 0;    // tells an old timer from the current one

 private:
  static void begin(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Fiber*>(uintptr_t{high} << 32 | low);
#ifdef FASTMETA_SIM_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &self->outside_stack_, &self->outside_size_);
#endif
    try {
      if (!self->process_->dead) self->work_();
    } catch (const Killed&) {
    }
    self->work_ = nullptr;  // what it holds goes while the fiber is still there
    self->over = true;
    self->leave();
  }

  const ProcessPtr process_;
  std::function<void()> work_;
  void* stack_ = nullptr;
  ucontext_t own_{}, outside_{};
#ifdef FASTMETA_SIM_ASAN
  const void* outside_stack_ = nullptr;
  size_t outside_size_ = 0;
#endif
};

Scheduler::Scheduler(test::Dice& dice) : dice_(dice) {}

Scheduler::~Scheduler() { end(); }

void Scheduler::end() {
  for (const auto& fiber : fibers_) fiber->process()->dead = true;
  for (size_t i = 0; i < fibers_.size(); ++i) resume(fibers_[i].get());
}

void Scheduler::at(Time when, std::function<void()> event) {
  events_.emplace(std::pair(std::max(when, now_), dice_.below(UINT64_MAX)), std::move(event));
}

void Scheduler::spawn(ProcessPtr process, std::function<void()> work) {
  fibers_.push_back(std::make_unique<Fiber>(std::move(process), std::move(work)));
  Fiber* fiber = fibers_.back().get();
  fiber->parked = true;
  wake(fiber);
}

void Scheduler::wake(Fiber* fiber, Time delay) {
  fiber->woken = true;
  at(now_ + delay, [this, fiber, wait = fiber->waits] {
    if (fiber->parked && fiber->waits == wait) resume(fiber);
  });
}

void Scheduler::resume(Fiber* fiber) {
  if (fiber->over) return;
  Fiber* const before = std::exchange(current_, fiber);
  fiber->parked = false;
  fiber->enter();
  current_ = before;
  // Timers may still name it: only its stack goes.
  if (fiber->over) fiber->free_stack();
}

void Scheduler::check_alive() const {
  if (current_ && current_->process()->dead) throw Killed();
}

bool Scheduler::park(Time until) {
  check_alive();
  Fiber* const self = current_;
  MDP_CHECK(self);
  self->parked = true;
  self->woken = false;
  const uint64_t wait = ++self->waits;
  at(until, [this, self, wait] {
    if (self->parked && self->waits == wait) resume(self);
  });
  self->leave();
  check_alive();
  return self->woken;
}

void Scheduler::sleep(Time duration) {
  const Time until = now_ + duration;
  while (now_ < until) park(until);
}

void Scheduler::kill(const ProcessPtr& process) {
  process->dead = true;
  for (size_t i = 0; i < fibers_.size(); ++i) {
    Fiber* const fiber = fibers_[i].get();
    if (fiber->process() == process && fiber != current_ && fiber->parked) resume(fiber);
  }
}

void Scheduler::run(Time until, const std::function<bool()>& done) {
  while (!events_.empty() && events_.begin()->first.first <= until) {
    if (done && done()) return;
    auto node = events_.extract(events_.begin());
    now_ = node.key().first;
    node.mapped()();
  }
  now_ = std::max(now_, until);
}

}  // namespace fastmeta::sim
