// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of the engine that need no server.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "engine/fastmeta/backlog.h"
#include "engine/fastmeta/exclusive_names.h"
#include "engine/fastmeta/held_locks.h"
#include "engine/health.h"

namespace fastmeta::engine {
namespace {

using namespace std::chrono_literals;

Result<void> refused() { return Error::answer(EROFS); }
Result<void> allowed() { return {}; }

class Backlogs : public testing::Test {
 protected:
  static config::BacklogConfig limits(std::chrono::milliseconds stall) {
    config::BacklogConfig limits;
    limits.records_max = 1;
    limits.stall_max = stall;
    return limits;
  }
};

TEST_F(Backlogs, AWriterWhoMayNotWriteDoesNotWaitForRoom) {
  Backlog backlog(limits(10min));
  ASSERT_TRUE(backlog.admit(refused)) << "with room nobody asks";
  backlog.added(1, 10, {}, 0, 0);
  const auto answer = backlog.admit(refused);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, EROFS);
}

TEST_F(Backlogs, AFullOneGivesENOSPCInTheEndAndRoomWhenThereIsSome) {
  Backlog backlog(limits(30ms));
  backlog.added(1, 10, {}, 0, 0);
  const auto answer = backlog.admit(allowed);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ENOSPC);
  Backlog patient(limits(10min));
  patient.added(1, 10, {}, 0, 0);
  std::thread sender([&] {
    std::this_thread::sleep_for(20ms);
    patient.removed(1);
  });
  EXPECT_TRUE(patient.admit(allowed));
  sender.join();
}

TEST_F(Backlogs, LingeringEndsForAKickAndForWhoeverWaits) {
  Backlog backlog(limits(30ms));
  backlog.kick();
  backlog.linger(10min);
  backlog.wait(0ms);  // takes the kick
  backlog.added(1, 10, {}, 0, 0);
  std::atomic<bool> settled{false};
  std::thread waiter([&] { settled = backlog.wait_settled(1, Deadline::max()); });
  backlog.linger(10min);
  EXPECT_FALSE(settled);
  backlog.removed(1);
  waiter.join();
  EXPECT_TRUE(settled);
}

TEST(ExclusiveNames, AreNamesOrEndsOfPaths) {
  const ExclusiveNames names({"*.lock", ".git/index.lock", "*/run/*.pid", "/top"});
  EXPECT_TRUE(names.may_match("a.lock"));
  EXPECT_TRUE(names.may_match("x.pid"));
  EXPECT_FALSE(names.may_match("x.pidfile"));
  EXPECT_TRUE(names.match("/", "a.lock"));
  EXPECT_TRUE(names.match("/deep/er", "a.lock"));
  EXPECT_TRUE(names.match("/var/run", "x.pid"));
  EXPECT_FALSE(names.match("/run", "x.pid")) << "there is nothing above run";
  EXPECT_FALSE(names.match("/var/running", "x.pid"));
  EXPECT_TRUE(names.match("/", "top"));
  EXPECT_FALSE(names.match("/a", "top"));
  EXPECT_TRUE(names.match("(inode 7)", "x.pid")) << "could be";
  const ExclusiveNames git({".git/index.lock"});
  EXPECT_TRUE(git.match("/repo/.git", "index.lock"));
  EXPECT_FALSE(git.match("/repo/git", "index.lock"));
  EXPECT_FALSE(git.match("/repo/.git/modules", "index.lock"));
  EXPECT_FALSE(git.match("(inode 7)/modules", "index.lock"));
}

TEST(HeldLocks, LastUntilTheLastByteIsLetGoOf) {
  HeldLocks locks;
  locks.granted(5, "lockp5", 1, 77, {0, 99});
  EXPECT_EQ(locks.guards(5, 0, 3).size(), 1u);
  locks.released(5, "lockp5", 1, {10, 19});
  locks.released(5, "lockp5", 1, {0, 9});
  ASSERT_EQ(locks.guards(0, 77, 3).size(), 1u);
  EXPECT_EQ(locks.guards(0, 77, 3)[0].session, 3u);
  EXPECT_EQ(locks.guards(0, 77, 3)[0].key, "lockp5");
  locks.released(5, "lockp5", 2, {});  // somebody else
  locks.granted(5, "lockp5", 1, 77, {50, 60});
  locks.released(5, "lockp5", 1, {20, 59});
  EXPECT_EQ(locks.guards(5, 0, 3).size(), 1u);
  locks.released(5, "lockp5", 1, {60, std::numeric_limits<uint64_t>::max()});
  EXPECT_TRUE(locks.guards(5, 77, 3).empty());
}

// What a reconnect finds is why nothing is sent, though it does not end the loss.
TEST(Health, TellsWhatSomebodyHasToLookAtBeforeTheLossOfTheConnection) {
  Health health(0ms);
  health.started(false);
  health.connection_lost();
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(health.seen().reason, "the connection to the metadata server is lost");
  health.refused("the server went back");
  EXPECT_EQ(health.seen().state, State::kReadOnly);
  EXPECT_EQ(health.seen().reason, "the server went back");
  EXPECT_EQ(health.may_write().error().code, EROFS);
  health.refused({});
  EXPECT_EQ(health.seen().reason, "the connection to the metadata server is lost");
}

TEST(Health, TakesDataOfOpenFilesWhileOnlyTheConnectionIsMissing) {
  Health health(0ms);
  health.recovering();
  health.started(false);
  health.connection_lost();
  std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(health.may_write(true)) << "what an earlier start left has to be known first";
  health.recovered();
  EXPECT_TRUE(health.may_write(true));
  EXPECT_FALSE(health.may_write(false));
  health.refused("by hand");
  EXPECT_FALSE(health.may_write(true));
}

}  // namespace
}  // namespace fastmeta::engine
