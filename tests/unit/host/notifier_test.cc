// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel/notifier.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace fastmeta::host {
namespace {

using std::chrono::milliseconds;

struct RecordingPort : KernelPort {
  void expire_inode(uint64_t ino, bool data) override {
    add("inode " + std::to_string(ino) + (data ? " data" : ""));
  }
  void expire_name(uint64_t parent, const std::string& name) override {
    add("name " + std::to_string(parent) + "/" + name);
  }
  void add(const std::string& line) {
    std::lock_guard lock(mutex);
    lines.push_back(line);
    changed.notify_all();
  }
  bool wait_for(size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, milliseconds(5000), [&] { return lines.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
};

struct NotifierTest : testing::Test {
  static KernelView::Limits limits() {
    KernelView::Limits out;
    out.entry_ms = out.attr_ms = out.negative_ms = 60'000;
    return out;
  }
  void look_up(const char* name, uint64_t ino) {
    mdp_entry entry{};
    entry.attr.ino = ino;
    entry.entry_valid_ms = entry.attr_valid_ms = 60'000;
    KernelView::Answer answer(view, view.seen());
    answer.entry(1, name, entry);
  }
  RecordingPort port;
  KernelView view{limits()};
};

TEST_F(NotifierTest, TellsContentsBeforeTheKernelAndInodesBeforeNames) {
  Notifier notifier(view, port, [&](uint64_t ino) { port.add("contents " + std::to_string(ino)); });
  look_up("a", 5);
  mdp_attr attr{};
  attr.ino = 5;
  view.opened(5, attr);
  view.invalidate_entry(1, "a");
  view.invalidate_inode(5, MDP_INVAL_DATA);
  notifier.start();
  ASSERT_TRUE(port.wait_for(3));
  std::lock_guard lock(port.mutex);
  EXPECT_EQ(port.lines[0], "contents 5");
  EXPECT_EQ(port.lines[1], "inode 5 data");
  EXPECT_EQ(port.lines[2], "name 1/a");
}

// The kernel may not have stored an answer yet when the notice passes by.
TEST_F(NotifierTest, TellsOnceMoreOfWhatWasGivenAMomentBefore) {
  Notifier notifier(view, port, {});
  notifier.start();
  look_up("a", 5);
  view.invalidate_entry(1, "a");
  ASSERT_TRUE(port.wait_for(2));
  std::lock_guard lock(port.mutex);
  EXPECT_EQ(port.lines, std::vector<std::string>(2, "name 1/a"));
}

TEST_F(NotifierTest, ABarrierEndsWhenAllWasToldAndWhenItStops) {
  Notifier notifier(view, port, {});
  look_up("a", 5);
  view.invalidate_entry(1, "a");
  notifier.start();
  EXPECT_EQ(view.barrier(milliseconds(5000)), 0);
  notifier.stop();
  view.invalidate_entry(1, "a");
  EXPECT_EQ(view.barrier(milliseconds(5000)), 0);
}

}  // namespace
}  // namespace fastmeta::host
