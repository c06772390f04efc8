// SPDX-License-Identifier: GPL-3.0-or-later
// A kill at any moment loses nothing that was acknowledged.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "memory_tables/memory_tables.h"
#include "rig.h"

namespace fastmeta::store::test {
namespace {

// Commits numbered pairs (a row and its record) for ever and writes each number to the
// pipe once the commit has returned.
int commit_for_ever(const StoreOptions& options, int pipe, int threads) {
  auto store = must_open(options);
  uint64_t first = 0;
  for (const auto& [key, value] : all(*store, Table::kOplog)) first = *key_number(key) + 1;
  std::atomic<uint64_t> next{first};
  const auto work = [&] {
    for (;;) {
      const uint64_t n = next++;
      auto tx = store->begin();
      if (!tx || !(*tx)->put(Table::kOplog, number_key(n), std::string(n % 700, 'r')) ||
          !(*tx)->put(Table::kRows, number_key(n), std::to_string(n)) || !(*tx)->commit() ||
          (options.durability == Durability::kDisk && !store->sync()))
        ::_exit(3);
      if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(4);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  for (auto& worker : workers) worker.join();
  return 0;
}

void kill_and_look(StoreOptions options, int rounds) {
  std::vector<uint64_t> acknowledged;
  for (int round = 0; round < rounds; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = spawn_child([&] {
      ::close(ends[0]);
      return commit_for_ever(options, ends[1], 1 + round % 3);
    });
    ::close(ends[1]);
    const size_t enough = acknowledged.size() + 100 + 400 * static_cast<size_t>(round);
    uint64_t n = 0;
    while (acknowledged.size() < enough && ::read(ends[0], &n, sizeof n) == sizeof n)
      acknowledged.push_back(n);
    ::kill(child, SIGKILL);
    const int status = wait_for(child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << status;
    while (::read(ends[0], &n, sizeof n) == sizeof n) acknowledged.push_back(n);
    ::close(ends[0]);

    auto store = must_open(options);
    EXPECT_TRUE(store->unclean_start());
    EXPECT_EQ(store->recovery_damage(), "");
    const auto records = all(*store, Table::kOplog), rows = all(*store, Table::kRows);
    EXPECT_EQ(records.size(), rows.size());  // both of a pair or none
    for (const uint64_t seen : acknowledged) {
      ASSERT_TRUE(records.contains(number_key(seen))) << seen << " in round " << round;
      ASSERT_EQ(rows.at(number_key(seen)), std::to_string(seen));
    }
    EXPECT_EQ(*store->verify(), "");
  }
}

TEST(Crash, LosesNothingAcknowledgedAtLevelProcess) {
  const TempDir dir;
  kill_and_look(options_in(dir.path()), 5);
}

TEST(Crash, LosesNothingAcknowledgedWhileCheckpointsRun) {
  const TempDir dir;
  StoreOptions options = options_in(dir.path(), Durability::kFlush);
  options.checkpoint_interval = std::chrono::milliseconds(10);
  options.flush_interval = std::chrono::milliseconds(5);
  kill_and_look(options, 5);
}

TEST(Crash, LosesNothingAcknowledgedAtLevelDisk) {
  const TempDir dir;
  kill_and_look(options_in(dir.path(), Durability::kDisk), 3);
}

TEST(Crash, InTheFirstStartIsStartedAnew) {
  for (int wait_us : {0, 500, 2000, 5000, 9000, 14000, 20000}) {
    const TempDir dir;
    const pid_t child = spawn_child([&] {
      must_open(options_in(dir.path()));
      return 0;
    });
    ::usleep(static_cast<useconds_t>(wait_us));
    ::kill(child, SIGKILL);
    wait_for(child);
    auto store = must_open(options_in(dir.path()));
    put(*store, "k", "v");
    EXPECT_EQ(*store->verify(), "");
  }
}

TEST(CleanStop, IsToldFromAllOthers) {
  const TempDir dir;
  const auto options = options_in(dir.path());
  {
    auto store = must_open(options);
    EXPECT_TRUE(store->unclean_start());
    put(*store, "k", "v");
    EXPECT_TRUE(store->close_clean());
    EXPECT_EQ(store->sync().error().fault, Fault::kLocalStore);
    EXPECT_EQ(store->begin().error().fault, Fault::kLocalStore);
  }
  {
    auto store = must_open(options);
    EXPECT_FALSE(store->unclean_start());
    EXPECT_EQ(get(*store, "k"), "v");
  }  // no close_clean
  auto store = must_open(options);
  EXPECT_TRUE(store->unclean_start());
  EXPECT_EQ(get(*store, "k"), "v");
}

TEST(MemoryCrash, KeepsWhatItsKindKeeps) {
  fastmeta::test::MemoryTables memory;
  put(memory, "a", "1");
  ASSERT_TRUE(memory.sync());
  put(memory, "b", "2");
  put(memory, "c", "3");
  memory.crash_process();
  EXPECT_EQ(all(memory).size(), 3U);
  EXPECT_TRUE(memory.unclean_start());
  auto dead = std::move(*memory.begin());
  memory.crash_machine(1);
  EXPECT_EQ(dead->get(Table::kRows, "a").error().fault, Fault::kLocalStore);
  EXPECT_EQ(all(memory).size(), 2U);
  memory.crash_machine();
  EXPECT_EQ(all(memory).size(), 1U);
}

TEST(MemoryFaults, StrikeTheCallTheyAreSetFor) {
  using Where = fastmeta::test::MemoryTables::Where;
  fastmeta::test::MemoryTables memory;
  memory.fail(Where::kCommit, 2, {Fault::kConflict, 11, "made"});
  put(memory, "a", "1");
  auto tx = std::move(*memory.begin());
  ASSERT_TRUE(tx->put(Table::kRows, "a", "2"));
  EXPECT_EQ(tx->commit().error().fault, Fault::kConflict);
  tx.reset();
  EXPECT_TRUE(memory.fired());
  EXPECT_EQ(get(memory, "a"), "1");
  memory.fail(Where::kSync, 1, {Fault::kLocalStore, 5, "made"});
  EXPECT_FALSE(memory.sync());
  EXPECT_FALSE(memory.begin());  // latched
  memory.set_full(true);
  memory.crash_process();
  EXPECT_EQ(memory.may_write().error().code, 28);
}

}  // namespace
}  // namespace fastmeta::store::test
