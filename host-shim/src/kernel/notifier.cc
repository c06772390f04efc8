// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel/notifier.h"

#include <chrono>

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kAgainAfterMs = 20;
constexpr size_t kAgainMax = 65536;
constexpr milliseconds kIdle{1000};

int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

}  // namespace

Notifier::Notifier(KernelView& view, KernelPort& port, std::function<void(uint64_t)> contents)
    : view_(view), port_(port), contents_(std::move(contents)) {}

Notifier::~Notifier() { stop(); }

void Notifier::start() {
  thread_ = std::thread([this] { run(); });
}

void Notifier::stop() {
  view_.stop();
  if (thread_.joinable()) thread_.join();
}

void Notifier::run() {
  Notices page;
  while (!view_.stopped()) {
    const milliseconds wait = again_.empty() ? kIdle : milliseconds(kAgainAfterMs);
    if (view_.next(&page, wait)) {
      tell(page);
      view_.told(page);
    }
    tell_again(now_ms());
  }
}

void Notifier::tell(const Notices& page) {
  const int64_t due = now_ms() + kAgainAfterMs;
  // Inodes first: telling of them does not wait for anybody's directory lock.
  for (const Notices::Inode& inode : page.inodes) {
    if (inode.data && contents_) contents_(inode.ino);
    port_.expire_inode(inode.ino, inode.data);
    if (inode.fresh && again_.size() < kAgainMax) again_.push_back({due, inode, {}});
  }
  for (const Notices::Name& name : page.names) {
    port_.expire_name(name.parent, name.name);
    if (name.fresh && again_.size() < kAgainMax) again_.push_back({due, {}, name});
  }
}

void Notifier::tell_again(int64_t now) {
  for (; !again_.empty() && again_.front().due <= now; again_.pop_front()) {
    const Again& again = again_.front();
    if (again.name.name.empty()) {
      port_.expire_inode(again.inode.ino, again.inode.data);
    } else {
      port_.expire_name(again.name.parent, again.name.name);
    }
  }
}

}  // namespace fastmeta::host
