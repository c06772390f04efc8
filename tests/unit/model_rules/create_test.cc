// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(CreateRules, FileWritesInodeParentEntryAndCounters) {
  World w;
  ok(w.create(Caller{1000, 1001, 022}, kRootIno, "a", FileType::kFile, 0666));
  EXPECT_EQ(w.writes(),
            (Lines{"SET i2 file 0644 1000:1001 nlink=1 len=0 parent=1 a=1800000000 m=1800000000 "
                   "c=1800000000",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000000 "
                   "c=1800000000",
                   "HSET d1 a file:2", "INCRBY usedSpace 4096", "INCRBY totalInodes 1"}));
  ASSERT_EQ(w.out.dir_stats.size(), 1u);
  EXPECT_EQ(w.out.dir_stats[0].dir, kRootIno);
  EXPECT_EQ(w.out.dir_stats[0].length, 0);
  EXPECT_EQ(w.out.dir_stats[0].space, 4096);
  EXPECT_EQ(w.out.dir_stats[0].inodes, 1);
}

TEST(CreateRules, CostsOneRoundAndWatchesWhatItWrites) {
  World w;
  ok(w.symlink(kRoot, kRootIno, "s", "target"));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(w.watched, (std::set<std::string>{"i1", "d1", "i2", "s2"}));
}

TEST(CreateRules, DirectoryRaisesTheParentsLinksAndStartsItsStatistics) {
  World w;
  w.facts.dir_mtime_step_ns = INT64_MAX;  // not even then is the parent skipped
  ok(w.create(kRoot, kRootIno, "d", FileType::kDirectory, 0777));
  EXPECT_EQ(w.writes(),
            (Lines{"SET i2 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000000 m=1800000000 "
                   "c=1800000000",
                   "SET i1 dir 0777 0:0 nlink=3 len=4096 parent=1 a=1700000000 m=1800000000 "
                   "c=1800000000",
                   "HSET d1 d dir:2", "HSET dirUsedInodes 2 0", "HSET dirDataLength 2 0",
                   "HSET dirUsedSpace 2 0", "INCRBY usedSpace 4096", "INCRBY totalInodes 1"}));
}

TEST(CreateRules, SymlinkKeepsItsTarget) {
  World w;
  ok(w.symlink(kAnn, kRootIno, "s", "some/where"));
  EXPECT_EQ(w.writes(),
            (Lines{"SET i2 symlink 0777 1000:1000 nlink=1 len=10 parent=1 a=1800000000 "
                   "m=1800000000 c=1800000000",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000000 "
                   "c=1800000000",
                   "SET s2 some/where", "HSET d1 s symlink:2", "INCRBY usedSpace 4096",
                   "INCRBY totalInodes 1"}));
}

TEST(CreateRules, OnlyDevicesKeepADeviceNumber) {
  World w;
  for (FileType type : {FileType::kBlockDevice, FileType::kCharDevice, FileType::kFifo,
                        FileType::kSocket, FileType::kFile}) {
    CreateArgs want;
    want.parent = kRootIno;
    want.name = "n" + std::to_string(w.next_ino);
    want.type = type;
    want.rdev = 0x103;
    want.ino = w.next_ino++;
    auto made =
        w.run([&](const View& seen, Mutations& to) { return model::create(seen, want, to); });
    const bool device = type == FileType::kBlockDevice || type == FileType::kCharDevice;
    EXPECT_EQ(made->attr.rdev, device ? 0x103u : 0u);
  }
}

TEST(CreateRules, YoungParentTimesAreLeftAlone) {
  World w;
  w.change(kRootIno, [&](Attr& a) { a.mtime = Timestamp::from_nanos(w.now.nanos() - 99'999'999); });
  w.file(kRootIno, "young");
  EXPECT_EQ(w.writes().at(1), "HSET d1 young file:2");
  w.change(kRootIno,
           [&](Attr& a) { a.mtime = Timestamp::from_nanos(w.now.nanos() - 100'000'000); });
  const Timestamp now = w.now;
  w.file(kRootIno, "old");
  EXPECT_EQ(w.attr(kRootIno).mtime, now);
}

TEST(CreateRules, ParentMtimeNeverGoesBack) {
  World w;
  const Timestamp ahead{w.now.sec + 50, 5};
  w.change(kRootIno, [&](Attr& a) { a.mtime = ahead; });
  w.mkdir(kRootIno, "d");
  EXPECT_EQ(w.attr(kRootIno).mtime, ahead);
  EXPECT_EQ(w.attr(kRootIno).nlink, 3u);
}

TEST(CreateRules, InheritsGroupSetgidSkipTrashAndTier) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  w.change(dir, [](Attr& a) {
    a.perm = 02777;
    a.gid = 42;
    a.flags = kSkipTrash | kAppendOnly | 0x10;
    a.tier = 3;
  });
  const Attr file = w.attr(w.file(dir, "f", 0755, kAnn));
  EXPECT_EQ(file.gid, 42u);
  EXPECT_EQ(file.perm, 0755);
  EXPECT_EQ(file.flags, kSkipTrash);
  EXPECT_EQ(file.tier, 3);
  const Attr sub = w.attr(w.mkdir(dir, "s", 0755, kAnn));
  EXPECT_EQ(sub.gid, 42u);
  EXPECT_EQ(sub.perm, 02755);
}

TEST(CreateRules, RewritingTheParentKeepsWhatIsNotUnderstood) {
  World w;
  w.change(kRootIno, [](Attr& a) {
    a.flags = 0xC4;
    a.access_acl = 9;
    a.default_acl = 8;
    a.tier = 2;
    a.unknown_tail = "new";
  });
  w.mkdir(kRootIno, "d");
  const Attr root = w.attr(kRootIno);
  EXPECT_EQ(root.flags, 0xC4);
  EXPECT_EQ(root.access_acl, 9u);
  EXPECT_EQ(root.default_acl, 8u);
  EXPECT_EQ(root.tier, 2);
  EXPECT_EQ(root.unknown_tail, "new");
}

TEST(CreateRules, ExistingFileOrDirectoryIsAnsweredWithItsAttr) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  auto again = w.create(kRoot, kRootIno, "f");
  ASSERT_EQ(code_of(again), 0);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->ino, file);
  EXPECT_EQ(again->attr, w.attr(file));
  EXPECT_TRUE(w.out.empty());
  EXPECT_TRUE(w.create(kRoot, kRootIno, "f", FileType::kDirectory)->existed);
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "f", FileType::kFifo)), EEXIST);
  EXPECT_EQ(code_of(w.symlink(kRoot, kRootIno, "f", "t")), EEXIST);
}

TEST(CreateRules, ExistingEntryWithoutInodeIsAnsweredWithoutPermissions) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.store.values().erase(w.keys.attr(file));
  auto again = w.create(kRoot, kRootIno, "f");
  ASSERT_EQ(code_of(again), 0);
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->attr.perm, 0);
}

TEST(CreateRules, RefusesAnInodeNumberInUse) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.next_ino = file;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "other")), kCorruptCode);
}

TEST(CreateRules, ErrorsByName) {
  World w;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, std::string(256, 'n'))), ENAMETOOLONG);
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, std::string(255, 'n'))), 0);
  for (const char* name : {".trash", ".stats", ".config", ".control", ".accesslog", ".", ".."})
    EXPECT_EQ(code_of(w.create(kRoot, kRootIno, name)), EEXIST) << name;
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("a\0b", 3)})
    EXPECT_EQ(code_of(w.create(kRoot, kRootIno, name)), EINVAL);
  const Ino dir = w.mkdir(kRootIno, "d");
  EXPECT_EQ(code_of(w.create(kRoot, dir, ".stats")), 0);
}

TEST(CreateRules, ErrorsByTarget) {
  World w;
  EXPECT_EQ(code_of(w.symlink(kRoot, kRootIno, "s", "")), EINVAL);
  EXPECT_EQ(code_of(w.symlink(kRoot, kRootIno, "s", std::string("a\0b", 3))), EINVAL);
  EXPECT_EQ(code_of(w.symlink(kRoot, kRootIno, "s", std::string(4097, 't'))), EINVAL);
  EXPECT_EQ(code_of(w.symlink(kRoot, kRootIno, "s", std::string(4096, 't'))), 0);
}

TEST(CreateRules, ErrorsByParent) {
  World w;
  EXPECT_EQ(code_of(w.create(kRoot, 99, "a")), ENOENT);
  const Ino file = w.file(kRootIno, "f");
  EXPECT_EQ(code_of(w.create(kRoot, file, "a")), ENOTDIR);
  EXPECT_EQ(code_of(w.create(kRoot, kTrashIno, "a")), EPERM);
  EXPECT_EQ(code_of(w.create(kRoot, kTrashIno + 5, "a")), EPERM);
  const Ino dir = w.mkdir(kRootIno, "d");
  w.change(dir, [](Attr& a) { a.flags = kAppendOnly; });
  EXPECT_EQ(code_of(w.create(kRoot, dir, "a")), 0);
  w.change(dir, [](Attr& a) { a.flags = kImmutable; });
  EXPECT_EQ(code_of(w.create(kRoot, dir, "a")), EPERM);  // before EEXIST
  w.change(dir, [](Attr& a) { a.parent = kTrashIno + 1; });
  EXPECT_EQ(code_of(w.create(kRoot, dir, "b")), ENOENT);  // before immutable
}

TEST(CreateRules, LimitsComeBeforeAllThatIsRead) {
  World w;
  w.facts.capacity = 8192;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "a")), 0);
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "b")), 0);  // exactly full
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "c")), ENOSPC);
  EXPECT_EQ(code_of(w.create(kRoot, 99, "c")), ENOSPC);
  EXPECT_EQ(w.rounds, 0);
  w.facts.capacity = 0;
  w.facts.inode_limit = 2;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "c")), ENOSPC);
  w.facts.inode_limit = 3;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "c")), 0);
  w.facts.inode_limit = 3;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, ".stats")), EEXIST);  // the name before limits
  w.facts = VolumeFacts{};
  w.facts.capacity = UINT64_MAX;
  w.facts.used_space = INT64_MAX - 4096;
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "d")), 0);
}

TEST(CreateRules, DamagedParentIsNoAnswer) {
  World w;
  w.store.values()[w.keys.attr(kRootIno)] = "short";
  EXPECT_EQ(code_of(w.create(kRoot, kRootIno, "a")), kCorruptCode);
}

}  // namespace
}  // namespace fastmeta::test
