// SPDX-License-Identifier: GPL-3.0-or-later
// When slices are begun, finished and committed.
#include <gtest/gtest.h>

#include <cerrno>
#include <condition_variable>
#include <thread>

#include "rig.h"

namespace fastmeta::host::test {
namespace {

// Holds what passes it back until it is opened.
class Gate {
 public:
  ~Gate() { open(); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

}  // namespace

TEST(Writing, SmallFileIsOneObjectAndOneCommit) {
  Rig rig;
  const auto file = rig.open(2);
  EXPECT_EQ(rig.write(*file, 0, "hello"), 0);
  EXPECT_TRUE(file->dirty());
  EXPECT_EQ(file->flush(), 0);
  EXPECT_FALSE(file->dirty());
  const auto records = rig.plugin.records(2, 0);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].len, 5u);
  EXPECT_EQ(rig.objects(), std::vector<std::string>{"chunks/0/0/1_0_5"});
  EXPECT_EQ(file->flush(), 0) << "nothing is left to do";
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
}

TEST(Writing, FlushOfASmallFileUsesNoOtherThread) {
  RigOptions options;
  options.start = false;
  Rig rig(options);
  const auto here = std::this_thread::get_id();
  rig.plugin.fault = [&](const char*, uint64_t) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    return 0;
  };
  rig.engine->start();
  const auto file = rig.open(2);
  rig.fail_store([&](const char*, const std::string&) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    return 0;
  });
  EXPECT_EQ(rig.write(*file, 0, "hello"), 0);
  EXPECT_EQ(file->flush(), 0);
}

TEST(Writing, SequentialWritesBecomeOneSliceOfAChunk) {
  Rig rig;
  const auto file = rig.open(2);
  const std::string bytes = pattern(kBlock / 2 + 1, 3);
  const uint64_t start = MDP_CHUNK_BYTES - 2 * kBlock;
  uint64_t off = start;
  for (int i = 0; i < 8; ++i, off += bytes.size()) ASSERT_EQ(rig.write(*file, off, bytes), 0);
  ASSERT_EQ(file->flush(), 0);
  const auto first = rig.plugin.records(2, 0), second = rig.plugin.records(2, 1);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(first[0].pos, start);
  EXPECT_EQ(first[0].len, 2 * kBlock);
  EXPECT_EQ(second[0].pos, 0u);
  EXPECT_EQ(second[0].len, off - MDP_CHUNK_BYTES);
}

TEST(Writing, FullBlocksAreUploadedBeforeAnyFlush) {
  Rig rig;
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, pattern(3 * kBlock + 1, 1)), 0);
  EXPECT_TRUE(eventually([&] { return rig.objects().size() == 3; }));
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
  ASSERT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.objects().size(), 4u);
}

TEST(Writing, OverwritesInTheBufferCostNothing) {
  Rig rig;
  const auto file = rig.open(2);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(rig.write(*file, 0, pattern(1000, 9)), 0);
  ASSERT_EQ(rig.write(*file, 500, "xyz"), 0);
  ASSERT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
  EXPECT_EQ(rig.read(*file, 500, 3), "xyz");
}

TEST(Writing, OldSlicesAreCommittedWithoutAFlush) {
  RigOptions options;
  options.data.flush_age = std::chrono::milliseconds(50);
  Rig rig(options);
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, "one"), 0);
  EXPECT_TRUE(eventually([&] { return !file->dirty(); }));
  // Ends with a full block: no upload is left to trigger the commit.
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock, 1)), 0);
  EXPECT_TRUE(eventually([&] { return !file->dirty(); }));
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 2u);
}

TEST(Writing, DataOutlivesTheLastHandle) {
  RigOptions options;
  options.data.flush_age = std::chrono::milliseconds(50);
  Rig rig(options);
  rig.write(*rig.open(2), 0, "one");
  const auto again = rig.engine->find(2);
  ASSERT_TRUE(again) << "its state lives while data is on its way";
  EXPECT_TRUE(eventually([&] { return !again->dirty(); }));
  EXPECT_EQ(rig.read(*rig.open(2), 0, 10), "one");
}

TEST(Writing, SlicesOfAChunkAreCommittedInTheOrderTheyWereBegun) {
  Rig rig;
  const auto file = rig.open(2);
  Gate gate;
  rig.fail_store([&](const char* op, const std::string& name) {
    // The first slice's only block is the slowest.
    if (op == std::string("put") && name == "chunks/0/0/1_0_65536") gate.pass();
    return 0;
  });
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock, 1)), 0);  // goes out at once
  gate.await(1);
  ASSERT_EQ(rig.write(*file, 100, "over it"), 0);
  std::thread flusher([&] { EXPECT_EQ(file->flush(), 0); });
  EXPECT_TRUE(eventually([&] { return rig.objects().size() == 1; }));
  EXPECT_TRUE(rig.plugin.records(2, 0).empty()) << "the later one waits for the earlier";
  gate.open();
  flusher.join();
  const auto records = rig.plugin.records(2, 0);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].id, 1u);
  EXPECT_EQ(records[1].id, 2u);
  EXPECT_EQ(rig.read(*file, 100, 7), "over it");
}

TEST(Writing, AnotherChunkDoesNotWaitForASlowOne) {
  RigOptions options;
  options.data.flush_age = std::chrono::milliseconds(20);
  Rig rig(options);
  const auto file = rig.open(2);
  Gate gate;
  rig.fail_store([&](const char* op, const std::string& name) {
    if (op == std::string("put") && name == "chunks/0/0/1_0_3") gate.pass();
    return 0;
  });
  ASSERT_EQ(rig.write(*file, 0, "one"), 0);
  ASSERT_EQ(rig.write(*file, MDP_CHUNK_BYTES, "two"), 0);
  EXPECT_TRUE(eventually([&] { return rig.plugin.records(2, 1).size() == 1; }));
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
  gate.open();
  EXPECT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
}

TEST(Writing, ACommitIsOfWhoeverWroteLastAndCannotBeInterrupted) {
  Rig rig;
  const auto file = rig.open(2);
  mdp_caller who = somebody();
  who.interrupted = [](void*) { return 1; };
  for (const uint32_t pid : {7, 8, 0}) {  // 0: the kernel, for a mapped page
    who.pid = pid;
    who.gid = 100 + pid;
    ASSERT_EQ(file->write(who, 0, "x", 1), 0);
  }
  ASSERT_EQ(file->flush(), 0);
  const auto callers = rig.plugin.commit_callers();
  ASSERT_EQ(callers.size(), 1u);
  EXPECT_EQ(callers[0].pid, 8u);
  EXPECT_EQ(callers[0].uid, who.uid);
  EXPECT_EQ(callers[0].gid, 108u);
  EXPECT_EQ(callers[0].interrupted, nullptr);
}

TEST(Writing, ModificationTimeIsThatOfTheLastWrite) {
  Rig rig;
  const auto file = rig.open(2);
  timespec before, after;
  ASSERT_EQ(rig.write(*file, 0, "a"), 0);
  ::clock_gettime(CLOCK_REALTIME, &before);
  ASSERT_EQ(rig.write(*file, 1, "b"), 0);
  ::clock_gettime(CLOCK_REALTIME, &after);
  mdp_attr seen = rig.plugin.file(2).attr;
  file->overlay(&seen);
  EXPECT_EQ(seen.length, 2u);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_EQ(file->flush(), 0);
  const mdp_attr attr = rig.plugin.file(2).attr;
  const auto mtime = std::pair(attr.mtime, long{attr.mtime_nsec});
  EXPECT_GE(mtime, std::pair(before.tv_sec, before.tv_nsec));
  EXPECT_LE(mtime, std::pair(after.tv_sec, after.tv_nsec));
  EXPECT_EQ(mtime, std::pair(seen.mtime, long{seen.mtime_nsec})) << "as it was shown before";
}

// A getattr may bring an answer from before a commit that has ended meanwhile.
TEST(Writing, AnOlderAttributeDoesNotHideACommit) {
  Rig rig;
  const auto file = rig.open(2);
  const mdp_attr old = rig.plugin.file(2).attr;
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  ASSERT_EQ(file->flush(), 0);
  mdp_attr attr = old;
  file->overlay(&attr);
  EXPECT_EQ(attr.length, 5u);
  // What is newer than the commit counts: it was cut elsewhere.
  rig.plugin.set_length(2, 1);
  attr = rig.plugin.file(2).attr;
  attr.ctime += 1;
  file->overlay(&attr);
  EXPECT_EQ(attr.length, 1u);
}

TEST(Writing, EndsWhereFilesEnd) {
  Rig rig;
  const auto file = rig.open(2);
  const uint64_t most = uint64_t{1} << 57;
  EXPECT_EQ(rig.write(*file, most - 1, "x"), -EFBIG);
  EXPECT_EQ(rig.write(*file, most, "x"), -EFBIG);
  EXPECT_EQ(rig.write(*file, UINT64_MAX, "xx"), -EFBIG);
  EXPECT_EQ(rig.write(*file, most - 3, "xx"), 0);
  EXPECT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.read(*file, most - 3, 10), "xx");
}

TEST(Writing, WaitsForMemoryAndCanBeInterrupted) {
  RigOptions options;
  options.data.write_buffer_bytes = 2 * kBlock;
  Rig rig(options);
  const auto file = rig.open(2);
  Gate gate;
  rig.fail_store([&](const char*, const std::string&) {
    gate.pass();
    return 0;
  });
  ASSERT_EQ(rig.write(*file, 0, pattern(2 * kBlock, 1)), 0);
  mdp_caller who = somebody();
  who.interrupted = [](void*) { return 1; };
  EXPECT_EQ(file->write(who, 2 * kBlock, "x", 1), -EINTR);
  std::atomic<bool> written{false};
  std::thread writer([&] {
    EXPECT_EQ(rig.write(*file, 2 * kBlock, "x"), 0);
    written = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(written);
  gate.open();
  writer.join();
  EXPECT_EQ(file->flush(), 0);
}

TEST(Writing, WhoFlushesCanBeInterruptedWhileTheStorageHangs) {
  Rig rig;
  const auto file = rig.open(2);
  Gate gate;
  rig.fail_store([&](const char*, const std::string&) {
    gate.pass();
    return 0;
  });
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock + 1, 1)), 0);
  gate.await(1);
  mdp_caller who = somebody();
  who.interrupted = [](void*) { return 1; };
  EXPECT_EQ(file->flush(who), -EINTR);
  EXPECT_TRUE(file->dirty());
  gate.open();
  EXPECT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
}

// Memory is held by open slices of other files only: those must be finished.
TEST(Writing, IdleFilesAreFinishedWhenMemoryIsShort) {
  RigOptions options;
  options.data.write_buffer_bytes = 8 * kBlock;
  Rig rig(options);
  std::vector<std::shared_ptr<Handle>> files;
  for (uint64_t ino = 2; ino < 202; ++ino) {
    files.push_back(rig.open(ino));
    ASSERT_EQ(rig.write(*files.back(), 0, pattern(10000, ino)), 0);
  }
  EXPECT_LE(rig.engine->stats().buffered_bytes, 9 * kBlock);
  EXPECT_EQ(rig.engine->flush_all(somebody()), 0);
  for (uint64_t ino = 2; ino < 202; ++ino) {
    ASSERT_TRUE(rig.read(*files[ino - 2], 0, 20000) == pattern(10000, ino));
  }
}

TEST(Writing, ReadingWhatIsBufferedNeedsNoCommit) {
  Rig rig;
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 1000, "hello"), 0);
  EXPECT_EQ(rig.read(*file, 1001, 3), "ell");
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
  EXPECT_EQ(rig.read(*file, 998, 20), std::string("\0\0hello", 7)) << "partly a hole";
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
  ASSERT_EQ(rig.write(*file, 5000, "x"), 0);
  EXPECT_EQ(rig.read(*file, 1000, 5), "hello");
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u) << "it does not touch what is buffered";
}

TEST(Writing, CopyingARangeSeesWhatIsBuffered) {
  Rig rig;
  const auto from = rig.open(2), to = rig.open(3);
  ASSERT_EQ(rig.write(*from, 0, "hello"), 0);
  ASSERT_EQ(rig.write(*to, 0, "0123456789"), 0);
  uint64_t copied = 0;
  mdp_attr attr{};
  ASSERT_EQ(rig.engine->copy_file_range(somebody(), 2, 1, 3, 4, 3, 0, &copied, &attr), 0);
  EXPECT_EQ(copied, 3u);
  EXPECT_EQ(rig.read(*to, 0, 20), "0123ell789");
}

TEST(Writing, StopCommitsEverything) {
  Rig rig;
  std::vector<std::shared_ptr<Handle>> files;
  for (uint64_t ino = 2; ino < 12; ++ino) {
    files.push_back(rig.open(ino));
    ASSERT_EQ(rig.write(*files.back(), 0, pattern(100000, ino)), 0);
  }
  EXPECT_EQ(rig.engine->stop(std::chrono::seconds(10)), 0);
  for (uint64_t ino = 2; ino < 12; ++ino) EXPECT_EQ(rig.plugin.records(ino, 0).size(), 1u);
  EXPECT_EQ(rig.write(*files[0], 0, "late"), -EIO);
}

TEST(Writing, StopGivesUpInTimeAndSaysWhatIsLost) {
  Rig rig;
  const auto file = rig.open(2);
  Gate gate;
  rig.fail_store([&](const char* op, const std::string& name) {
    if (op == std::string("put") && name == "chunks/0/0/1_0_65536") gate.pass();
    return 0;
  });
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock, 1)), 0);
  gate.await(1);
  ASSERT_EQ(rig.write(*file, kBlock, "more"), 0);
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    gate.open();
  });
  EXPECT_EQ(rig.engine->stop(std::chrono::milliseconds(50)), -ETIMEDOUT);
  opener.join();
  EXPECT_NE(rig.log().find("inode 2: bytes 0 to 65540"), std::string::npos) << rig.log();
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
  EXPECT_TRUE(rig.objects().empty());
}

}  // namespace fastmeta::host::test
