// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(OpenRules, FlagsAndTrash) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  auto open = [&](bool write, bool append, bool truncate) {
    return code_of(w.run([&](const View& seen, Mutations&) {
      return model::open(seen, {kRoot, ino, write, append, truncate});
    }));
  };
  EXPECT_EQ(open(true, false, true), 0);
  w.change(ino, [](Attr& a) { a.flags = kAppendOnly; });
  EXPECT_EQ(open(false, false, false), 0);
  EXPECT_EQ(open(true, false, false), EPERM);
  EXPECT_EQ(open(true, true, false), 0);
  EXPECT_EQ(open(true, true, true), EPERM);
  EXPECT_EQ(open(false, false, true), EPERM);
  w.change(ino, [](Attr& a) { a.flags = kImmutable; });
  EXPECT_EQ(open(false, false, false), 0);
  EXPECT_EQ(open(true, true, false), EPERM);
  w.change(ino, [](Attr& a) {
    a.flags = 0;
    a.parent = kTrashIno + 1;
  });
  EXPECT_EQ(open(false, false, false), 0);
  EXPECT_EQ(open(true, false, false), EPERM);
  w.store.values().erase("i2");
  EXPECT_EQ(open(false, false, false), ENOENT);
}

TEST(WriteRules, GrowthIsChargedInsideTheTransaction) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  ok(w.write(ino, 1, {100, 9, 5000, 0, 5000}));
  EXPECT_EQ(w.writes(),
            (Lines{"RPUSH c2_1 pos=100 id=9 size=5000 off=0 len=5000",
                   "SET i2 file 0644 0:0 nlink=1 len=67113964 parent=1 a=1800000000 m=1800000001 "
                   "c=1800000001",
                   "INCRBY usedSpace 67112960"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2"}));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(w.stats[kRootIno].length, 67113964);
  ok(w.write(ino, 0, {0, 10, 1, 0, 1}));
  EXPECT_EQ(w.out.writes.size(), 2u);  // nothing to charge
  EXPECT_TRUE(w.out.dir_stats.empty());
}

TEST(WriteRules, MtimeAlwaysDiffers) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  const Timestamp stored{w.now.sec, 999'999'999};
  w.change(ino, [&](Attr& a) { a.mtime = stored; });
  const WriteSliceArgs want{w.now, stored, ino, 0, {0, 1, 1, 0, 1}};
  auto wrote = w.run([&](const View& seen, Mutations& to) { return write_slice(seen, want, to); });
  EXPECT_EQ(wrote->mtime, (Timestamp{stored.sec + 1, 0}));
  for (int again = 0; again < 3; ++again) {
    w.now = w.attr(ino).mtime;
    ok(w.truncate(ino, 10 + again));
    EXPECT_EQ(w.attr(ino).mtime, Timestamp::from_nanos(w.now.nanos() - 1'000'000'000 + 1));
  }
  w.now = w.attr(ino).mtime;
  ok(w.fallocate(ino, kFallocKeepSize, 0, 5));
  EXPECT_NE(w.attr(ino).mtime.nsec, 0u);
}

TEST(WriteRules, Errors) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  const SliceRecord good{0, 9, 10, 0, 10};
  EXPECT_EQ(code_of(w.write(99, 0, good)), ENOENT);
  EXPECT_EQ(code_of(w.write(kRootIno, 0, good)), EPERM);
  EXPECT_EQ(code_of(w.write(ino, 0, {0, 9, 10, 0, 0})), EINVAL);
  EXPECT_EQ(code_of(w.write(ino, 0, {0, 9, 10, 1, 10})), EINVAL);
  EXPECT_EQ(code_of(w.write(ino, 0, {0, 9, 0, 0, 10})), EINVAL);
  EXPECT_EQ(code_of(w.write(ino, 0, {kChunkBytes - 9, 9, 10, 0, 10})), EINVAL);
  EXPECT_EQ(code_of(w.write(ino, (1u << 31) - 1, {kChunkBytes - 10, 9, 10, 0, 10})), EFBIG);
  EXPECT_EQ(code_of(w.write(ino, (1u << 31) - 1, {kChunkBytes - 11, 9, 10, 0, 10})), 0);
  w.facts.capacity = static_cast<uint64_t>(w.facts.used_space);
  ok(w.write(ino, 0, good));  // no growth
  EXPECT_EQ(code_of(w.fallocate(ino, 0, uint64_t{1} << 56, uint64_t{1} << 55)), 0);
  w.facts.capacity = 8192;
  w.facts.used_space = 4096;
  w.change(ino, [](Attr& a) { a.length = 4096; });
  EXPECT_EQ(code_of(w.write(ino, 0, {4096, 9, 4097, 0, 4097})), ENOSPC);
  EXPECT_EQ(code_of(w.truncate(ino, 8193)), ENOSPC);
  EXPECT_EQ(code_of(w.fallocate(ino, 0, 0, 8193)), ENOSPC);
  EXPECT_EQ(code_of(w.write(ino, 0, {4096, 9, 4096, 0, 4096})), 0);
  // Immutable, append-only and trashed files were looked at when they were opened.
  w.change(ino, [](Attr& a) {
    a.flags = kImmutable;
    a.parent = kTrashIno + 1;
  });
  EXPECT_EQ(code_of(w.write(ino, 0, good)), 0);
}

TEST(WriteRules, EveryParentOfAHardLinkIsTold) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  const Ino file = w.file(kRootIno, "f");
  w.link_to(file, dir, "a");
  w.link_to(file, dir, "b");
  ok(w.write(file, 0, {0, 9, 5000, 0, 5000}));
  EXPECT_EQ(w.stats[dir].length, 10000);
  EXPECT_EQ(w.stats[dir].space, 2 * 8192);
  EXPECT_EQ(w.stats[kRootIno].length, 5000);
  ok(w.truncate(file, 1));
  EXPECT_EQ(w.stats[dir].length, 2);
}

TEST(WriteRules, FileWithoutANameCountsNowhere) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.open.insert(file);
  ok(w.unlink(kRoot, kRootIno, "f"));
  ok(w.write(file, 0, {0, 9, 5000, 0, 5000}));
  EXPECT_TRUE(w.out.dir_stats.empty());
  w.facts.dir_stats = false;
  w.file(kRootIno, "g");
  EXPECT_TRUE(w.out.dir_stats.empty());
}

TEST(TruncateRules, WithinAChunk) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  ok(w.truncate(ino, 5000));
  EXPECT_EQ(w.writes(),
            (Lines{"SET i2 file 0644 0:0 nlink=1 len=5000 parent=1 a=1800000000 m=1800000001 "
                   "c=1800000001",
                   "RPUSH c2_0 pos=0 id=0 size=0 off=0 len=5000", "INCRBY usedSpace 4096"}));
  ok(w.truncate(ino, 4999));
  EXPECT_EQ(w.writes().at(1), "RPUSH c2_0 pos=4999 id=0 size=0 off=0 len=1");
  EXPECT_EQ(w.writes().at(2), "INCRBY usedSpace 0");
  ok(w.truncate(ino, 4999));
  EXPECT_TRUE(w.out.empty());
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2"}));
}

TEST(TruncateRules, AcrossChunks) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  ok(w.truncate(ino, 3 * kChunkBytes + 7));
  Lines lines = w.writes();
  EXPECT_EQ(Lines(lines.begin() + 1, lines.end()),
            (Lines{"RPUSH c2_0 pos=0 id=0 size=0 off=0 len=67108864",
                   "RPUSHX c2_1 pos=0 id=0 size=0 off=0 len=67108864",
                   "RPUSHX c2_2 pos=0 id=0 size=0 off=0 len=67108864",
                   "RPUSH c2_3 pos=0 id=0 size=0 off=0 len=7",
                   "INCRBY usedSpace 201326592"}));
  ok(w.truncate(ino, kChunkBytes - 1));
  lines = w.writes();
  EXPECT_EQ(Lines(lines.begin() + 1, lines.end()),
            (Lines{"RPUSH c2_0 pos=67108863 id=0 size=0 off=0 len=1",
                   "RPUSHX c2_1 pos=0 id=0 size=0 off=0 len=67108864",
                   "RPUSHX c2_2 pos=0 id=0 size=0 off=0 len=67108864",
                   "RPUSH c2_3 pos=0 id=0 size=0 off=0 len=7",
                   "INCRBY usedSpace -134221824"}));
  ok(w.truncate(ino, 2 * kChunkBytes));
  lines = w.writes();
  EXPECT_EQ(Lines(lines.begin() + 1, lines.end()),
            (Lines{"RPUSH c2_0 pos=67108863 id=0 size=0 off=0 len=1",
                   "RPUSHX c2_1 pos=0 id=0 size=0 off=0 len=67108864",
                   "INCRBY usedSpace 67108864"}));
  ok(w.truncate(ino, kChunkBytes));  // from border to border
  lines = w.writes();
  EXPECT_EQ(Lines(lines.begin() + 1, lines.end()),
            (Lines{"RPUSH c2_1 pos=0 id=0 size=0 off=0 len=67108864",
                   "INCRBY usedSpace -67108864"}));
}

TEST(TruncateRules, TransactionStaysBounded) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  ok(w.truncate(ino, uint64_t{1} << 56));
  EXPECT_EQ(w.out.writes.size(), 3u);
  EXPECT_EQ(code_of(w.truncate(ino, 0)), EFBIG);
  w.change(ino, [](Attr& a) { a.length = uint64_t{1} << 41; });
  ok(w.truncate(ino, 0));  // 2 TiB
}

TEST(TruncateRules, Errors) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  EXPECT_EQ(code_of(w.truncate(ino, UINT64_MAX)), EINVAL);
  EXPECT_EQ(code_of(w.truncate(ino, kFileLengthLimit)), EFBIG);
  EXPECT_EQ(code_of(w.truncate(ino, kFileLengthLimit - 1)), 0);
  EXPECT_EQ(code_of(w.truncate(99, 0)), ENOENT);
  EXPECT_EQ(code_of(w.truncate(kRootIno, 0)), EPERM);
  for (uint8_t flag : {kAppendOnly, kImmutable}) {
    w.change(ino, [&](Attr& a) { a.flags = flag; });
    EXPECT_EQ(code_of(w.truncate(ino, kFileLengthLimit - 1)), EPERM);
  }
}

TEST(FallocateRules, ModesAndErrors) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  auto code = [&](uint32_t mode, uint64_t off, uint64_t len) {
    return code_of(w.fallocate(ino, mode, off, len));
  };
  EXPECT_EQ(code(kFallocCollapse, 0, 1), ENOTSUP);
  EXPECT_EQ(code(kFallocInsert, 0, 1), ENOTSUP);
  EXPECT_EQ(code(kFallocCollapse | kFallocKeepSize, 0, 1), EINVAL);
  EXPECT_EQ(code(kFallocInsert | kFallocCollapse, 0, 1), EINVAL);
  EXPECT_EQ(code(kFallocPunchHole, 0, 1), EINVAL);
  EXPECT_EQ(code(0x100, 0, 1), ENOTSUP);
  EXPECT_EQ(code(0, 0, 0), EINVAL);
  EXPECT_EQ(code(0, 1, kFileLengthLimit - 1), EFBIG);
  EXPECT_EQ(code(0, UINT64_MAX, 2), EFBIG);
  EXPECT_EQ(code_of(w.fallocate(99, 0, 0, 1)), ENOENT);
  EXPECT_EQ(code_of(w.fallocate(kRootIno, 0, 0, 1)), EPERM);
  const Ino fifo = w.create(kRoot, kRootIno, "fifo", FileType::kFifo)->ino;
  EXPECT_EQ(code_of(w.fallocate(fifo, 0, 0, 1)), EPIPE);
  w.change(ino, [](Attr& a) { a.flags = kAppendOnly; });
  EXPECT_EQ(code(0, 0, 10), 0);
  EXPECT_EQ(code(kFallocKeepSize, 0, 10), 0);
  EXPECT_EQ(code(kFallocZeroRange, 0, 10), EPERM);
  w.change(ino, [](Attr& a) { a.flags = kImmutable; });
  EXPECT_EQ(code(0, 0, 10), EPERM);
}

TEST(FallocateRules, Writes) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  ok(w.fallocate(ino, 0, 100, 5000));
  EXPECT_EQ(w.writes(),
            (Lines{"SET i2 file 0644 0:0 nlink=1 len=5100 parent=1 a=1800000000 m=1800000001 "
                   "c=1800000001",
                   "INCRBY usedSpace 4096"}));
  EXPECT_EQ(w.stats[kRootIno].length, 5100);
  ok(w.fallocate(ino, kFallocKeepSize, 100, 50000));
  EXPECT_EQ(w.attr(ino).length, 5100u);
  EXPECT_EQ(w.writes().back(), "INCRBY usedSpace 0");
  ok(w.truncate(ino, kChunkBytes + 100));
  ok(w.fallocate(ino, kFallocPunchHole | kFallocKeepSize, kChunkBytes - 10, 1000));
  EXPECT_EQ(w.writes().at(1), "RPUSH c2_0 pos=67108854 id=0 size=0 off=0 len=10");
  EXPECT_EQ(w.writes().at(2), "RPUSH c2_1 pos=0 id=0 size=0 off=0 len=100");  // to the old end
  ok(w.fallocate(ino, kFallocZeroRange, kChunkBytes, 1000));
  EXPECT_EQ(w.writes().at(1), "RPUSH c2_1 pos=0 id=0 size=0 off=0 len=100");
  EXPECT_EQ(w.attr(ino).length, kChunkBytes + 1000);
  ok(w.fallocate(ino, kFallocPunchHole | kFallocKeepSize, 2 * kChunkBytes, 10));
  EXPECT_EQ(w.out.writes.size(), 2u);  // behind the end: no record
}

TEST(ReadRules, OverlayAndErrors) {
  World w;
  const Ino a = w.file(kRootIno, "a");
  auto read = [&](Ino ino, uint32_t chunk) {
    return w.run([&](const View& seen, Mutations&) { return read_slices(seen, ino, chunk); });
  };
  ok(w.write(a, 0, {0, 7, 100, 0, 100}));
  ok(w.write(a, 0, {50, 8, 10, 0, 10}));
  auto got = read(a, 0);
  EXPECT_EQ(got->records, 2u);
  EXPECT_EQ(got->pieces, (std::vector<SliceRecord>{
                             {0, 7, 100, 0, 50}, {50, 8, 10, 0, 10}, {60, 7, 100, 60, 40}}));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_TRUE(read(a, 1)->pieces.empty());
  EXPECT_EQ(code_of(read(99, 0)), ENOENT);
  EXPECT_EQ(code_of(read(kRootIno, 0)), EPERM);
  std::get<MemoryStore::List>(w.store.values()["c2_0"])[1] = "short";
  EXPECT_EQ(code_of(read(a, 0)), kCorruptCode);
}

}  // namespace
}  // namespace fastmeta::test
