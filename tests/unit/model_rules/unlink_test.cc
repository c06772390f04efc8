// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(UnlinkRules, LastNameOfAFileQueuesItsData) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  ok(w.write(file, 0, {0, 5, 5000, 0, 5000}));
  auto gone = w.unlink(kRoot, kRootIno, "f");
  EXPECT_EQ(gone->fate, Fate::kDeleted);
  EXPECT_EQ(gone->ino, file);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 f",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000002 "
                   "c=1800000002",
                   "ZADD delfiles 1800000002 2:5000", "DEL i2", "INCRBY usedSpace -8192",
                   "INCRBY totalInodes -1", "DEL x2"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i1", "d1", "i2", "x2"}));
  EXPECT_EQ(w.rounds, 2);
  ASSERT_EQ(w.out.dead_files.size(), 1u);
  EXPECT_EQ(w.out.dead_files[0].length, 5000u);
  EXPECT_EQ(w.facts.used_space, 0);
  EXPECT_EQ(w.stats[kRootIno].space, 0);
  EXPECT_EQ(w.stats[kRootIno].length, 0);
}

TEST(UnlinkRules, SymlinkGoesWithItsTarget) {
  World w;
  ok(w.symlink(kRoot, kRootIno, "s", "target"));
  ok(w.unlink(kRoot, kRootIno, "s"));
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 s",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000001 "
                   "c=1800000001",
                   "DEL s2", "DEL i2", "INCRBY usedSpace -4096", "INCRBY totalInodes -1",
                   "DEL x2"}));
  EXPECT_TRUE(w.watched.contains("s2"));
}

TEST(UnlinkRules, OneOfSeveralNames) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  const Ino dir = w.mkdir(kRootIno, "d");
  w.link_to(file, dir, "g");
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kStillLinked);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 f",
                   "SET i1 dir 0777 0:0 nlink=3 len=4096 parent=1 a=1700000000 m=1800000003 "
                   "c=1800000003",
                   "SET i2 file 0644 0:0 nlink=1 len=0 parent=0 a=1800000000 m=1800000000 "
                   "c=1800000003",
                   "HINCRBY p2 1 -1"}));
  EXPECT_TRUE(w.watched.contains("p2"));
  EXPECT_EQ(w.unlink(kRoot, dir, "g")->fate, Fate::kDeleted);
  EXPECT_EQ(w.writes().back(), "DEL p2");
}

TEST(UnlinkRules, OpenFileIsSustainedUntilItsLastClose) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  ok(w.write(file, 0, {0, 5, 100, 0, 100}));
  w.open.insert(file);
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kSustained);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 f",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000002 "
                   "c=1800000002",
                   "SET i2 file 0644 0:0 nlink=0 len=100 parent=1 a=1800000000 m=1800000001 "
                   "c=1800000002",
                   "SADD session7 2", "DEL x2"}));
  EXPECT_EQ(w.facts.used_inodes, 1);
  auto closed = w.run([&](const View& seen, Mutations& to) {
    return last_close(seen, {w.now, file}, to);
  });
  EXPECT_EQ(code_of(closed), 0);
  EXPECT_EQ(w.writes(), (Lines{"ZADD delfiles 1800000003 2:100", "DEL i2",
                               "INCRBY usedSpace -4096", "INCRBY totalInodes -1",
                               "SREM session7 2"}));
  EXPECT_EQ(w.out.dead_files.size(), 1u);
}

TEST(UnlinkRules, WithoutASessionAnOpenFileIsDeletedAtOnce) {
  World w;
  w.facts.session = 0;
  w.open.insert(w.file(kRootIno, "f"));
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kDeleted);
}

TEST(UnlinkRules, TrashTakesTheNodeAsItIs) {
  World w;
  w.enable_trash();
  const Ino dir = w.mkdir(kRootIno, "d");
  w.file(dir, "f");
  const Ino hour = w.trash();
  const int64_t space = w.facts.used_space;
  auto gone = w.unlink(kRoot, dir, "f");
  EXPECT_EQ(gone->fate, Fate::kTrashed);
  EXPECT_EQ(gone->attr.parent, hour);
  const std::string h = std::to_string(hour);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d2 f",
                   "SET i2 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000000 m=1800000003 "
                   "c=1800000003",
                   "SET i3 file 0644 0:0 nlink=1 len=0 parent=" + h +
                       " a=1800000001 m=1800000001 c=1800000003",
                   "HSET d" + h + " 2-3-f file:3"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "d2", "i3"}));
  EXPECT_EQ(w.facts.used_space, space);
  EXPECT_EQ(w.stats[hour].inodes, 1);
  EXPECT_EQ(w.stats[dir].inodes, 0);
}

TEST(UnlinkRules, TrashOfHardLinksFollowsTheParents) {
  World w;
  w.enable_trash();
  const Ino file = w.file(kRootIno, "f");
  w.link_to(file, kRootIno, "g");
  const std::string hour = std::to_string(w.trash());
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kTrashed);
  const Lines lines = w.writes();
  EXPECT_EQ(Lines(lines.end() - 3, lines.end()),
            (Lines{"HSET d" + hour + " 1-2-f file:2", "HINCRBY p2 " + hour + " 1",
                   "HINCRBY p2 1 -1"}));
  EXPECT_FALSE(w.watched.contains("d" + hour));
  EXPECT_EQ(w.attr(file).nlink, 2u);
}

TEST(UnlinkRules, NameThatIsInTheTrashAlreadyIsDropped) {
  World w;
  w.enable_trash();
  const Ino file = w.file(kRootIno, "f");
  w.link_to(file, kRootIno, "g");
  ok(w.unlink(kRoot, kRootIno, "f"));
  w.link_to(file, kRootIno, "f");
  EXPECT_EQ(w.attr(file).nlink, 3u);
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kStillLinked);
  EXPECT_EQ(w.attr(file).nlink, 2u);
}

TEST(UnlinkRules, TrashIsPassedByOnRequest) {
  World w;
  w.enable_trash();
  const Ino file = w.file(kRootIno, "f");
  w.change(file, [](Attr& a) { a.flags = kSkipTrash; });
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kDeleted);
  const Ino other = w.file(kRootIno, "g");
  ok(w.unlink(kRoot, kRootIno, "g"));
  const Ino hour = w.trash();
  EXPECT_EQ(code_of(w.unlink(kAnn, hour, "1-" + std::to_string(other) + "-g")), EPERM);
  const Attr before = w.attr(hour);
  EXPECT_EQ(w.unlink(kRoot, hour, "1-" + std::to_string(other) + "-g")->fate, Fate::kDeleted);
  EXPECT_EQ(w.attr(hour), before);
  EXPECT_EQ(w.stats[hour].inodes, 0);
}

TEST(UnlinkRules, EntryWithoutInodeCanBeRemoved) {
  World w;
  w.enable_trash();
  const Ino file = w.file(kRootIno, "f");
  w.store.values().erase(w.keys.attr(file));
  EXPECT_EQ(w.unlink(kAnn, kRootIno, "f")->fate, Fate::kDeleted);
  EXPECT_EQ(w.out.used_space, -4096);
  EXPECT_EQ(w.out.used_inodes, -1);
  EXPECT_EQ(code_of(w.lookup(kRootIno, "f")), ENOENT);
}

TEST(UnlinkRules, ErrorsInTheirOrder) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  w.mkdir(dir, "sub");
  const Ino file = w.file(dir, "f", 0644, kAnn);
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, std::string(256, 'n'))), ENAMETOOLONG);
  EXPECT_EQ(code_of(w.unlink(kRoot, kRootIno, ".control")), EPERM);
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "none")), ENOENT);
  w.change(dir, [](Attr& a) { a.flags = kAppendOnly; });
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "none")), ENOENT);  // before the parent
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "sub")), EPERM);
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "f")), EPERM);
  w.change(dir, [](Attr& a) { a.flags = kImmutable; a.perm = 01777; });
  EXPECT_EQ(code_of(w.unlink(kBob, dir, "f")), EPERM);  // before the sticky bit
  w.change(dir, [](Attr& a) { a.flags = 0; });
  w.change(file, [](Attr& a) { a.flags = kImmutable; });
  EXPECT_EQ(code_of(w.unlink(kBob, dir, "f")), EACCES);  // sticky, before the node's flags
  EXPECT_EQ(code_of(w.unlink(kAnn, dir, "f")), EPERM);
  w.change(file, [](Attr& a) { a.flags = kAppendOnly; });
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "f")), EPERM);
  w.change(file, [](Attr& a) { a.flags = 0; });
  EXPECT_EQ(code_of(w.unlink(kAnn, dir, "f")), 0);
  w.file(dir, "g", 0644, kRoot);
  w.change(dir, [](Attr& a) { a.uid = kAnn.uid; });
  EXPECT_EQ(code_of(w.unlink(kAnn, dir, "g")), 0);  // the directory's owner
  w.file(dir, "h");
  w.change(dir, [](Attr& a) { a.type = FileType::kFile; });
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "h")), ENOTDIR);
  w.store.values().erase(w.keys.attr(dir));
  EXPECT_EQ(code_of(w.unlink(kRoot, dir, "h")), ENOENT);
}

TEST(LastCloseRules, GoneOrNamedAgainIsNotDestroyed) {
  World w;
  auto close = [&](Ino ino) {
    return w.run(
        [&](const View& seen, Mutations& to) { return last_close(seen, {w.now, ino}, to); });
  };
  EXPECT_EQ(code_of(close(99)), 0);
  EXPECT_TRUE(w.out.empty());
  const Ino file = w.file(kRootIno, "f");
  EXPECT_EQ(code_of(close(file)), 0);
  EXPECT_EQ(w.writes(), (Lines{"SREM session7 2"}));
}

TEST(LastCloseRules, TakesXattrsThatWereSetThroughTheHandle) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.open.insert(file);
  ok(w.unlink(kRoot, kRootIno, "f"));
  ok(w.run([&](const View& seen, Mutations& to) {
    return setxattr(seen, {file, "user.a", "1", 0}, to);
  }));
  ok(w.run([&](const View& seen, Mutations& to) { return last_close(seen, {w.now, file}, to); }));
  EXPECT_EQ(w.writes().back(), "DEL x2");
}

}  // namespace
}  // namespace fastmeta::test
