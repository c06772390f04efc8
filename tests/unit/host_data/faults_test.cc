// SPDX-License-Identifier: GPL-3.0-or-later
// What goes wrong under a file: uploads, commits, objects.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <thread>

#include "data/object_name.h"
#include "rig.h"

namespace fastmeta::host::test {
namespace fs = std::filesystem;

namespace {

FaultyStore::Fault fail(const char* which, int rc) {
  return [=](const char* op, const std::string&) { return op == std::string(which) ? rc : 0; };
}

// A handle whose data could not be stored, and that has not heard of it.
auto wrote_in_vain(Rig& rig, int rc) {
  auto file = rig.open(2);
  rig.fail_store(fail("put", rc));
  EXPECT_EQ(rig.write(*file, 0, "hello"), 0);
  file->data().drain(somebody());
  return file;
}

}  // namespace

TEST(WriteFaults, AFailedUploadIsReportedOnceAndNeverCommitted) {
  Rig rig;
  const auto file = rig.open(2);
  rig.fail_store(fail("put", -ENOSPC));
  ASSERT_EQ(rig.write(*file, 7, "hello"), 0);
  EXPECT_EQ(file->flush(), -ENOSPC);
  EXPECT_EQ(file->flush(), 0) << "once";
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
  EXPECT_NE(rig.log().find("inode 2: bytes 7 to 12"), std::string::npos) << rig.log();
  EXPECT_EQ(rig.engine->stats().buffered_bytes, 0u);
  rig.fail_store(nullptr);
  ASSERT_EQ(rig.write(*file, 7, "again"), 0);
  EXPECT_EQ(file->flush(), 0);
}

TEST(WriteFaults, WhatWasUploadedOfAFailedSliceIsRemoved) {
  Rig rig;
  const auto file = rig.open(2);
  rig.fail_store([](const char* op, const std::string& name) {
    return op == std::string("put") && name.find("_2_") != std::string::npos ? -EIO : 0;
  });
  ASSERT_EQ(rig.write(*file, 0, pattern(2 * kBlock + 10, 1)), 0);
  EXPECT_EQ(file->flush(), -EIO);
  EXPECT_TRUE(rig.objects().empty());
  EXPECT_TRUE(rig.plugin.records(2, 0).empty());
}

TEST(WriteFaults, TheNextWriteReportsABackgroundError) {
  Rig rig;
  const auto file = rig.open(2);
  rig.fail_store(fail("put", -EIO));
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock, 1)), 0);
  EXPECT_TRUE(eventually([&] { return !file->dirty(); })) << "a broken slice is not kept";
  EXPECT_EQ(rig.write(*file, 0, "x"), -EIO);
  rig.fail_store(nullptr);
  EXPECT_EQ(rig.write(*file, 0, "x"), 0);
  EXPECT_EQ(file->flush(), 0);
}

TEST(WriteFaults, ReadingOrTruncatingDoesNotSwallowAnError) {
  Rig rig;
  const auto file = rig.open(2);
  rig.fail_store(fail("put", -ENOSPC));
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  mdp_attr attr{};
  EXPECT_EQ(file->truncate(somebody(), 0, &attr), 0) << "a full disk keeps nobody from it";
  EXPECT_EQ(rig.read(*file, 0, 5), "");
  EXPECT_EQ(rig.engine->flush_all(somebody()), 0) << "nothing of it is on its way";
  EXPECT_EQ(file->flush(), -ENOSPC);
}

TEST(WriteFaults, ARefusedCommitRemovesItsObjects) {
  const std::pair<int, int> cases[] = {
      {-ENOENT, -EBADF}, {-EPERM, -EBADF}, {-ENOSPC, -ENOSPC}, {-EDQUOT, -EDQUOT}};
  for (const auto& [answer, reported] : cases) {
    Rig rig;
    const auto file = rig.open(2);
    rig.plugin.fault = [rc = answer](const char* op, uint64_t) {
      return op == std::string("write_slice") ? rc : 0;
    };
    ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
    EXPECT_EQ(file->flush(), reported);
    EXPECT_TRUE(rig.objects().empty());
  }
}

TEST(WriteFaults, AnUnclearCommitKeepsItsObjectsAndIsNotSentTwice) {
  for (const int answer : {-EIO, -ETIMEDOUT, -EROFS}) {
    Rig rig;
    const auto file = rig.open(2);
    std::atomic<int> sent{0};
    rig.plugin.fault = [&, answer](const char* op, uint64_t) {
      if (op != std::string("write_slice")) return 0;
      ++sent;
      return answer;
    };
    ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
    EXPECT_EQ(file->flush(), answer);
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(rig.objects().size(), 1u);
    EXPECT_NE(rig.log().find("inode 2: bytes 0 to 5"), std::string::npos);
  }
}

TEST(WriteFaults, ACommitWaitsWhileThePluginIsReadOnlyForAShortTime) {
  RigOptions options;
  options.data.read_only_patience = std::chrono::milliseconds(10000);
  Rig rig(options);
  const auto file = rig.open(2);
  std::atomic<int> refuse{2};
  rig.plugin.fault = [&](const char* op, uint64_t) {
    return op == std::string("write_slice") && refuse-- > 0 ? -EROFS : 0;
  };
  ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
  EXPECT_EQ(file->flush(), 0);
  EXPECT_EQ(rig.plugin.records(2, 0).size(), 1u);
}

TEST(WriteFaults, AllFilesShareOnePatience) {
  RigOptions options;
  options.data.read_only_patience = std::chrono::milliseconds(300);
  Rig rig(options);
  rig.plugin.fault = [&](const char* op, uint64_t) {
    return op == std::string("write_slice") ? -EROFS : 0;
  };
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t ino = 2; ino < 22; ++ino) {
    const auto file = rig.open(ino);
    ASSERT_EQ(rig.write(*file, 0, "hello"), 0);
    EXPECT_EQ(file->flush(), -EROFS);
  }
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(300));
  EXPECT_LT(took, std::chrono::milliseconds(3000)) << "not once for each file";
}

TEST(WriteFaults, EachHandleHearsOfALossOnce) {
  Rig rig;
  const auto writer = rig.open(2), other = rig.open(2);
  rig.fail_store(fail("put", -ENOSPC));
  ASSERT_EQ(rig.write(*writer, 0, "hello"), 0);
  other->data().drain(somebody());
  EXPECT_FALSE(other->dirty()) << "who only waits takes nothing away";
  EXPECT_EQ(other->flush(), -ENOSPC);
  EXPECT_EQ(rig.write(*writer, 0, "more"), -ENOSPC);
  EXPECT_EQ(writer->flush(), 0);
  EXPECT_EQ(other->flush(), 0);
  ASSERT_EQ(rig.write(*other, 0, "hello"), 0);
  EXPECT_EQ(writer->flush(), -ENOSPC);
  EXPECT_EQ(writer->flush(), 0);
  EXPECT_EQ(other->flush(), -ENOSPC);
}

TEST(WriteFaults, AHandleThatOpensLaterHearsOnlyWhatNobodyHasHeard) {
  Rig rig;
  const auto writer = wrote_in_vain(rig, -ENOSPC);
  EXPECT_EQ(rig.open(2)->flush(), -ENOSPC);
  EXPECT_EQ(rig.open(2)->flush(), 0);
  EXPECT_EQ(writer->flush(), -ENOSPC) << "it was open when it happened";
}

TEST(WriteFaults, WhatNoHandleWritesIsAcceptedAfterAnError) {
  Rig rig;
  const auto file = wrote_in_vain(rig, -EIO);
  rig.fail_store(nullptr);
  ASSERT_EQ(file->data().write(somebody(), nullptr, 0, "pages", 5), 0);
  EXPECT_EQ(file->flush(), -EIO) << "of the bytes before";
  EXPECT_EQ(rig.read(*file, 0, 5), "pages");
}

TEST(WriteFaults, WithoutAnIdNothingIsAccepted) {
  Rig rig;
  const auto file = rig.open(2);
  rig.plugin.fault = [](const char* op, uint64_t) {
    return op == std::string("new_slice") ? -EIO : 0;
  };
  EXPECT_EQ(rig.write(*file, 0, "hello"), -EIO);
  EXPECT_FALSE(file->dirty());
}

TEST(WriteFaults, OneFilesErrorIsNotAnothers) {
  Rig rig;
  const auto bad = rig.open(2), good = rig.open(3);
  rig.plugin.fault = [](const char* op, uint64_t ino) {
    return op == std::string("write_slice") && ino == 2 ? -EIO : 0;
  };
  ASSERT_EQ(rig.write(*bad, 0, "x"), 0);
  ASSERT_EQ(rig.write(*good, 0, "y"), 0);
  EXPECT_EQ(rig.engine->flush_all(somebody()), -EIO);
  EXPECT_EQ(good->flush(), 0);
  EXPECT_EQ(bad->flush(), -EIO) << "flushing all did not take it away";
}

// Every request to the store fails once, whatever it is for: what a flush calls
// stored is stored.
TEST(WriteFaults, WhateverUploadFailsNothingIsSilentlyLost) {
  for (int nth = 1;; ++nth) {
    Rig rig;
    const auto file = rig.open(2);
    std::atomic<int> count{0};
    rig.fail_store([&, nth](const char* op, const std::string&) {
      return op == std::string("put") && ++count == nth ? -EIO : 0;
    });
    const std::string bytes = pattern(kBlock + 100, 5);
    int errors = 0;
    for (uint64_t i = 0; i < 4; ++i) {
      const uint64_t off = i * (MDP_CHUNK_BYTES / 2);
      while (rig.write(*file, off, bytes) != 0 || file->flush() != 0) {
        ASSERT_LT(++errors, 2) << "one failure, one report";
      }
    }
    for (uint64_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(rig.read(*file, i * (MDP_CHUNK_BYTES / 2), bytes.size()) == bytes)
          << "failure " << nth;
    }
    if (count < nth) break;  // swept past the last one
    ASSERT_EQ(errors, 1);
  }
}

TEST(WriteFaults, AFullDiskIsReportedAndLeavesNothingHalfDone) {
  std::string name = (fs::temp_directory_path() / "full.XXXXXX").string();
  const std::string dir = ::mkdtemp(name.data());
  if (::mount("none", dir.c_str(), "tmpfs", 0, "size=1m") != 0) {
    fs::remove(dir);
    GTEST_SKIP() << "needs the right to mount";
  }
  {
    RigOptions options;
    options.root = dir + "/";
    Rig rig(options);
    const auto file = rig.open(2);
    ASSERT_EQ(rig.write(*file, 0, "small"), 0);
    ASSERT_EQ(file->flush(), 0);
    int rc = 0;
    for (uint64_t i = 0; i < 40 && rc == 0; ++i) {
      rc = rig.write(*file, MDP_CHUNK_BYTES + i * kBlock, pattern(kBlock, i));
    }
    if (rc == 0) rc = file->flush();
    EXPECT_EQ(rc, -ENOSPC);
    file->flush();  // of slices begun after the first error
    // A later slice may have fitted once the first was given up: what is committed
    // is there, and nothing else is.
    std::vector<std::string> referred = {"chunks/0/0/1_0_5"};
    uint64_t committed = 0;
    for (const mdp_slice& record : rig.plugin.records(2, 1)) {
      committed += record.len;
      for (uint32_t block = 0; block < block_count(record.size, kBlock); ++block) {
        referred.push_back(object_name(false, record.id, block,
                                       bytes_of_block(record.size, kBlock, block)));
      }
    }
    EXPECT_LT(committed, 40 * kBlock);
    std::sort(referred.begin(), referred.end());
    EXPECT_EQ(rig.objects(), referred);
    mdp_attr attr{};
    ASSERT_EQ(file->truncate(somebody(), 0, &attr), 0);
    for (const mdp_slice& record : rig.plugin.records(2, 1)) {
      if (record.id != 0) rig.engine->delete_slice(record.id, record.size);
    }
    ASSERT_EQ(rig.write(*file, 0, "again"), 0) << "there is room again";
    EXPECT_EQ(file->flush(), 0);
  }
  ::umount(dir.c_str());
  fs::remove(dir);
}

class ReadFaults : public testing::TestWithParam<const char*> {
 protected:
  static RigOptions options() {
    RigOptions it;
    it.compression = GetParam();
    return it;
  }
  // A file of two blocks, closed; the second's object is what tests damage.
  static std::string prepare(Rig& rig) {
    const auto file = rig.open(2);
    EXPECT_EQ(rig.write(*file, 0, pattern(kBlock + 1000, 4)), 0);
    EXPECT_EQ(file->flush(), 0);
    return "chunks/0/0/1_1_1000";
  }
};

TEST_P(ReadFaults, AMissingObjectIsAnErrorThatNamesIt) {
  Rig rig(options());
  const std::string object = prepare(rig);
  fs::remove(rig.path_of(object));
  const auto file = rig.open(2);
  EXPECT_EQ(rig.read(*file, kBlock + 5, 10), "errno " + std::to_string(EIO));
  EXPECT_NE(rig.log().find(object), std::string::npos) << rig.log();
  EXPECT_GT(rig.plugin.fresh_reads(), 0u);
  EXPECT_EQ(rig.read(*file, 5, 10), pattern(kBlock, 4).substr(5, 10)) << "the rest works";
}

TEST_P(ReadFaults, AShortOrLongOrBrokenObjectIsAnErrorThatNamesIt) {
  for (const int64_t change : {-1, +1, 0}) {
    Rig rig(options());
    const std::string object = prepare(rig);
    const std::string path = rig.path_of(object);
    const auto size = static_cast<int64_t>(fs::file_size(path));
    if (change == 0 && GetParam() == std::string("none")) continue;  // has no checksum
    if (change == 0) {
      std::fstream(path, std::ios::in | std::ios::out).write("\xff\xff\xff\xff\xff\xff", 6);
    } else {
      fs::resize_file(path, static_cast<uintmax_t>(size + change));
    }
    const auto file = rig.open(2);
    EXPECT_EQ(rig.read(*file, kBlock + 5, 10), "errno " + std::to_string(EIO)) << change;
    EXPECT_NE(rig.log().find(object), std::string::npos) << rig.log();
  }
}

TEST_P(ReadFaults, AnUnreadableObjectIsAnError) {
  Rig rig(options());
  const std::string object = prepare(rig);
  rig.fail_store(fail("get", -EACCES));
  EXPECT_EQ(rig.read(*rig.open(2), kBlock, 10), "errno " + std::to_string(EIO));
  EXPECT_NE(rig.log().find(object), std::string::npos);
}

TEST_P(ReadFaults, ARecordBeyondItsSliceIsAnError) {
  Rig rig(options());
  prepare(rig);
  rig.plugin.set_records(2, 0, {{1, 0, kBlock + 1000, 500, kBlock + 600}});
  EXPECT_EQ(rig.read(*rig.open(2), kBlock + 450, 100), "errno " + std::to_string(EIO));
  EXPECT_NE(rig.log().find("slice 1"), std::string::npos);
  rig.plugin.set_records(2, 0, {{1, 0, kBlock + 1000, UINT32_MAX - 5, 600}});
  EXPECT_EQ(rig.read(*rig.open(2), 0, 100), "errno " + std::to_string(EIO));
}

// Another client merged the list, after we were told the old one.
TEST_P(ReadFaults, AMergedListIsReadAgain) {
  auto it = options();
  it.data.missing_object_retry = std::chrono::seconds(10);
  Rig rig(it);
  prepare(rig);
  const auto other = rig.open(3);  // the merged slice is stored by writing another file
  ASSERT_EQ(rig.write(*other, 0, pattern(kBlock + 1000, 4)), 0);
  ASSERT_EQ(other->flush(), 0);
  ASSERT_EQ(rig.engine->delete_slice(1, kBlock + 1000), 0);
  const auto merged = rig.plugin.records(3, 0);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    rig.plugin.set_records(2, 0, merged);
  });
  EXPECT_TRUE(rig.read(*rig.open(2), 0, 2 * kBlock) == pattern(kBlock + 1000, 4));
  later.join();
  EXPECT_EQ(rig.log(), "");
}

TEST_P(ReadFaults, ALostObjectIsWaitedForOnce) {
  auto it = options();
  it.data.missing_object_retry = std::chrono::seconds(1);
  Rig rig(it);
  fs::remove(rig.path_of(prepare(rig)));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(rig.read(*rig.open(2), kBlock + 5, 10), "errno " + std::to_string(EIO));
  }
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::seconds(1));
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST_P(ReadFaults, AReaderThatWaitsForAnObjectCanBeInterrupted) {
  auto it = options();
  it.data.missing_object_retry = std::chrono::seconds(60);
  Rig rig(it);
  fs::remove(rig.path_of(prepare(rig)));
  mdp_caller who = somebody();
  who.interrupted = [](void*) { return 1; };
  char out[10];
  size_t got = 0;
  EXPECT_EQ(rig.open(2)->read(who, kBlock, out, sizeof out, &got), -EINTR);
}

INSTANTIATE_TEST_SUITE_P(Compressions, ReadFaults, testing::Values("none", "lz4", "zstd"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Reading, AFileThatIsGoneIsNotFound) {
  Rig rig;
  const auto file = rig.open(2);
  rig.plugin.remove_file(2);
  EXPECT_EQ(rig.read(*file, 0, 10), "errno " + std::to_string(ENOENT));
}

TEST(Deleting, TakesItsBlocksOutOfMemory) {
  RigOptions options;
  options.compression = "lz4";
  Rig rig(options);
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, pattern(kBlock, 1)), 0);
  ASSERT_EQ(file->flush(), 0);
  rig.read(*file, 0, 10);
  EXPECT_EQ(rig.engine->stats().block_cache_bytes, kBlock);
  ASSERT_EQ(rig.engine->delete_slice(1, kBlock), 0);
  EXPECT_EQ(rig.engine->stats().block_cache_bytes, 0u);
}

TEST(Deleting, RemovesAllObjectsOfASliceAndMayBeRepeated) {
  Rig rig;
  const auto file = rig.open(2);
  ASSERT_EQ(rig.write(*file, 0, pattern(3 * kBlock + 1, 1)), 0);
  ASSERT_EQ(file->flush(), 0);
  ASSERT_EQ(rig.objects().size(), 4u);
  EXPECT_EQ(rig.engine->slice_is_durable(1, 3 * kBlock + 1), 1);
  EXPECT_EQ(rig.engine->delete_slice(1, 3 * kBlock + 1), 0);
  EXPECT_TRUE(rig.objects().empty());
  EXPECT_EQ(rig.engine->delete_slice(1, 3 * kBlock + 1), 0);
  EXPECT_EQ(rig.engine->slice_is_durable(1, 3 * kBlock + 1), -ENOENT);
  rig.fail_store(fail("remove", -EIO));
  EXPECT_EQ(rig.engine->delete_slice(1, 5), -EIO);
}

}  // namespace fastmeta::host::test
