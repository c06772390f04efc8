// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(RenameRules, WithinADirectoryWritesTheParentOnce) {
  World w;
  w.file(kRootIno, "f");
  auto moved = w.rename(kRoot, kRootIno, "f", kRootIno, "g");
  EXPECT_EQ(moved->ino, 2u);
  EXPECT_EQ(moved->other, 0u);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 f",
                   "SET i2 file 0644 0:0 nlink=1 len=0 parent=1 a=1800000000 m=1800000000 "
                   "c=1800000001",
                   "HSET d1 g file:2",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000001 "
                   "c=1800000001"}));
  EXPECT_TRUE(w.out.dir_stats.empty());
  EXPECT_EQ(w.watched, (std::set<std::string>{"i1", "d1", "i2"}));
  EXPECT_EQ(w.rounds, 2);
}

TEST(RenameRules, DirectoryAcrossParentsMovesALink) {
  World w;
  w.facts.dir_mtime_step_ns = INT64_MAX;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino b = w.mkdir(kRootIno, "b");
  w.mkdir(a, "d");
  ok(w.rename(kRoot, a, "d", b, "e"));
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d2 d",
                   "SET i2 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000000 m=1800000003 "
                   "c=1800000003",
                   "SET i4 dir 0755 0:0 nlink=2 len=4096 parent=3 a=1800000002 m=1800000002 "
                   "c=1800000003",
                   "HSET d3 e dir:4",
                   "SET i3 dir 0755 0:0 nlink=3 len=4096 parent=1 a=1800000001 m=1800000003 "
                   "c=1800000003"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "d2", "i3", "d3", "i4", "i1"}));
  EXPECT_EQ(w.rounds, 2);
  EXPECT_EQ(w.stats[a].inodes, 0);
  EXPECT_EQ(w.stats[b].inodes, 1);
}

TEST(RenameRules, FileAcrossParentsObeysTheSkipRule) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino b = w.mkdir(kRootIno, "b");
  w.file(a, "f");
  w.facts.dir_mtime_step_ns = INT64_MAX;
  ok(w.rename(kRoot, a, "f", b, "g"));
  EXPECT_EQ(w.writes(), (Lines{"HDEL d2 f",
                               "SET i4 file 0644 0:0 nlink=1 len=0 parent=3 a=1800000002 "
                               "m=1800000002 c=1800000003",
                               "HSET d3 g file:4"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "d2", "i3", "d3", "i4"}));
}

TEST(RenameRules, HardLinkMovesItsParentCount) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino file = w.file(kRootIno, "f");
  w.link_to(file, kRootIno, "g");
  w.facts.dir_mtime_step_ns = INT64_MAX;
  ok(w.rename(kRoot, kRootIno, "f", a, "f"));
  EXPECT_EQ(w.writes(), (Lines{"HDEL d1 f", "HINCRBY p3 2 1", "HINCRBY p3 1 -1",
                               "SET i3 file 0644 0:0 nlink=2 len=0 parent=0 a=1800000001 "
                               "m=1800000001 c=1800000003",
                               "HSET d2 f file:3"}));
  EXPECT_TRUE(w.watched.contains("p3"));
}

TEST(RenameRules, ReplacesAFile) {
  World w;
  w.file(kRootIno, "f");
  const Ino old = w.file(kRootIno, "g");
  w.write(old, 0, {0, 5, 5000, 0, 5000}).value();
  auto moved = w.rename(kRoot, kRootIno, "f", kRootIno, "g");
  EXPECT_EQ(moved->other, old);
  EXPECT_EQ(moved->other_fate, Fate::kDeleted);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 f", "ZADD delfiles 1800000003 3:5000", "DEL i3",
                   "INCRBY usedSpace -8192", "INCRBY totalInodes -1", "DEL x3",
                   "SET i2 file 0644 0:0 nlink=1 len=0 parent=1 a=1800000000 m=1800000000 "
                   "c=1800000003",
                   "HSET d1 g file:2",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000003 "
                   "c=1800000003"}));
  EXPECT_TRUE(w.watched.contains("x3"));
  EXPECT_EQ(w.stats[kRootIno].length, 0);
  EXPECT_EQ(w.out.dead_files.size(), 1u);
}

TEST(RenameRules, ReplacedFileThatIsOpenOrLinkedLives) {
  World w;
  w.file(kRootIno, "a");
  w.file(kRootIno, "b");
  const Ino open = w.file(kRootIno, "open");
  const Ino linked = w.file(kRootIno, "linked");
  w.link_to(linked, kRootIno, "other");
  w.open.insert(open);
  EXPECT_EQ(w.rename(kRoot, kRootIno, "a", kRootIno, "open")->other_fate, Fate::kSustained);
  EXPECT_EQ(w.attr(open).nlink, 0u);
  EXPECT_EQ(w.rename(kRoot, kRootIno, "b", kRootIno, "linked")->other_fate, Fate::kStillLinked);
  EXPECT_EQ(w.attr(linked).nlink, 1u);
  EXPECT_EQ(w.store.field("p5", "1"), "1");
}

TEST(RenameRules, ReplacedFileGoesToTheTrash) {
  World w;
  w.enable_trash();
  w.file(kRootIno, "a");
  const Ino old = w.file(kRootIno, "b");
  const Ino hour = w.trash();
  EXPECT_EQ(w.rename(kRoot, kRootIno, "a", kRootIno, "b")->other_fate, Fate::kTrashed);
  EXPECT_TRUE(w.store.field(w.keys.dir(hour), "1-3-b"));
  EXPECT_EQ(w.attr(old).parent, hour);
  EXPECT_EQ(w.stats[hour].inodes, 1);
  const Ino skipping = w.file(kRootIno, "c");
  w.change(skipping, [](Attr& a) { a.flags = kSkipTrash; });
  EXPECT_EQ(w.rename(kRoot, kRootIno, "b", kRootIno, "c")->other_fate, Fate::kDeleted);
}

TEST(RenameRules, ReplacesAnEmptyDirectory) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  w.mkdir(a, "d");
  const Ino old = w.mkdir(kRootIno, "e");
  ok(w.rename(kRoot, a, "d", kRootIno, "e"));
  const std::string n = std::to_string(old);
  const Lines lines = w.writes();
  EXPECT_EQ(Lines(lines.begin(), lines.begin() + 8),
            (Lines{"HDEL d2 d", "DEL i" + n, "INCRBY usedSpace -4096", "INCRBY totalInodes -1",
                   "DEL x" + n, "HDEL dirQuota " + n, "HDEL dirQuotaUsedSpace " + n,
                   "HDEL dirQuotaUsedInodes " + n}));
  EXPECT_EQ(w.attr(kRootIno).nlink, 4u);  // one less, one more
  EXPECT_EQ(w.attr(a).nlink, 2u);
  w.mkdir(kRootIno, "x");
  const Ino y = w.mkdir(kRootIno, "y");
  w.facts.dir_mtime_step_ns = INT64_MAX;
  ok(w.rename(kRoot, kRootIno, "x", kRootIno, "y"));
  EXPECT_EQ(w.attr(kRootIno).nlink, 5u);
  EXPECT_FALSE(w.exists(y));
}

TEST(RenameRules, ExchangeSwapsNamesParentsAndLinks) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino b = w.mkdir(kRootIno, "b");
  const Ino dir = w.mkdir(a, "d");
  const Ino file = w.file(b, "f");
  auto swapped = w.rename(kRoot, b, "f", a, "d", kRenameExchange);
  EXPECT_EQ(swapped->ino, file);
  EXPECT_EQ(swapped->other, dir);
  EXPECT_EQ(swapped->other_fate, Fate::kNone);
  EXPECT_EQ(w.writes(),
            (Lines{"SET i4 dir 0755 0:0 nlink=2 len=4096 parent=3 a=1800000002 m=1800000002 "
                   "c=1800000004",
                   "HSET d3 f dir:4",
                   "SET i3 dir 0755 0:0 nlink=3 len=4096 parent=1 a=1800000001 m=1800000004 "
                   "c=1800000004",
                   "SET i5 file 0644 0:0 nlink=1 len=0 parent=2 a=1800000003 m=1800000003 "
                   "c=1800000004",
                   "HSET d2 d file:5",
                   "SET i2 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000000 m=1800000004 "
                   "c=1800000004"}));
  EXPECT_EQ(w.stats[a].space, 4096);
  EXPECT_EQ(w.stats[b].space, 4096);
}

TEST(RenameRules, ExchangeOfAHardLinkMovesItsParentCount) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino linked = w.file(kRootIno, "f");
  w.link_to(linked, kRootIno, "g");
  w.file(a, "x");
  ok(w.rename(kRoot, a, "x", kRootIno, "f", kRenameExchange));
  const Lines lines = w.writes();
  EXPECT_EQ(lines.at(2), "HINCRBY p3 2 1");
  EXPECT_EQ(lines.at(3), "HINCRBY p3 1 -1");
}

TEST(RenameRules, SameNameOrSameInodeChangesNothing) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.link_to(file, kRootIno, "g");
  for (uint32_t flags : {0u, uint32_t{kRenameExchange}}) {
    EXPECT_EQ(w.rename(kRoot, kRootIno, "f", kRootIno, "f", flags)->ino, file);
    EXPECT_TRUE(w.out.empty());
    EXPECT_EQ(w.rename(kRoot, kRootIno, "f", kRootIno, "g", flags)->ino, file);
    EXPECT_TRUE(w.out.empty());
  }
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "g", kRenameNoReplace)), EEXIST);
}

TEST(RenameRules, RefusesDirectoryIntoItsOwnChild) {
  World w;
  Ino dir = kRootIno;
  std::vector<Ino> chain;
  for (int i = 0; i < 6; ++i) chain.push_back(dir = w.mkdir(dir, "d"));
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", chain[0], "x")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", chain[1], "x")), EPERM);
  for (size_t level : {2u, 3u, 5u})
    EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", chain[level], "x")), EINVAL) << level;
  // An exchange moves the target as well: below itself here.
  const Ino file = w.file(chain[4], "f");
  EXPECT_EQ(code_of(w.rename(kRoot, chain[4], "f", kRootIno, "d", kRenameExchange)), EINVAL);
  EXPECT_EQ(w.lookup(chain[4], "f")->ino, file);
}

TEST(RenameRules, MovingADirectoryWatchesEveryAncestorOfTheTarget) {
  World w;
  Ino deep = kRootIno;
  std::set<std::string> above = {"i1"};
  for (int i = 0; i < 8; ++i) above.insert(w.keys.attr(deep = w.mkdir(deep, "d")));
  w.mkdir(kRootIno, "moved");
  ok(w.rename(kRoot, kRootIno, "moved", deep, "here"));
  for (const std::string& key : above) EXPECT_TRUE(w.watched.contains(key)) << key;
}

TEST(RenameRules, LoopOrBrokenChainAboveTheTargetIsRefused) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino b = w.mkdir(a, "b");
  const Ino c = w.mkdir(b, "c");
  w.mkdir(kRootIno, "moved");
  w.change(a, [&](Attr& attr) { attr.parent = c; });
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "moved", c, "x")), ELOOP);
  EXPECT_LE(w.watched.size(), 10u);
  w.change(a, [&](Attr& attr) { attr.parent = 77; });
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "moved", c, "x")), ENOENT);
  w.change(a, [&](Attr& attr) { attr.parent = 0; });
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "moved", c, "x")), kCorruptCode);
}

TEST(RenameRules, TrashIsLeftByRootOnlyAndNeverEntered) {
  World w;
  w.enable_trash();
  const Ino dir = w.mkdir(kRootIno, "d");
  w.mkdir(dir, "sub");
  ok(w.rmdir(kRoot, dir, "sub"));
  const Ino hour = w.trash();
  const std::string name = "2-3-sub";
  EXPECT_EQ(code_of(w.rename(kAnn, hour, name, dir, "back")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", hour, "x")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, kTrashIno, "2027-01-15-08", dir, "x")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, hour, name, kRootIno, "d", kRenameExchange)), EPERM);
  const Attr before = w.attr(hour);
  ok(w.rename(kRoot, hour, name, dir, "back"));
  EXPECT_EQ(w.attr(hour), before);
  EXPECT_EQ(w.attr(3).parent, dir);
  EXPECT_EQ(w.attr(dir).nlink, 3u);
  EXPECT_EQ(w.stats[hour].inodes, 0);
}

TEST(RenameRules, ErrorsOfArguments) {
  World w;
  w.file(kRootIno, "f");
  const std::string longer(256, 'n');
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, longer, kRootIno, "g")), ENAMETOOLONG);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, longer)), ENAMETOOLONG);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, ".stats", kRootIno, "g")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, ".trash")), EPERM);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "")), EINVAL);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "a/b")), EINVAL);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "g", 4)), ENOTSUP);
  for (uint32_t flags : {3u, 5u, 8u, 33u})
    EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "g", flags)), EINVAL) << flags;
}

TEST(RenameRules, ErrorsOfEntriesInTheirOrder) {
  World w;
  w.file(kRootIno, "f");
  w.mkdir(kRootIno, "d");
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "none", 99, "g")), ENOENT);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "d", kRenameNoReplace)), EEXIST);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", kRootIno, "f")), ENOTDIR);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "d")), EISDIR);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", 99, "g")), ENOENT);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", 2, "g")), ENOTDIR);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "g", kRenameExchange)), ENOENT);
  w.change(3, [](Attr& a) { a.parent = kTrashIno + 1; });
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", 3, "g")), ENOENT);
}

TEST(RenameRules, ErrorsOfFlagsAndStickyBits) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a");
  const Ino b = w.mkdir(kRootIno, "b");
  const Ino src = w.file(a, "f", 0644, kAnn);
  const Ino dst = w.file(b, "g", 0644, kAnn);
  auto flags = [&](Ino ino, uint8_t value) { w.change(ino, [&](Attr& x) { x.flags = value; }); };
  auto perm = [&](Ino ino, uint16_t value) { w.change(ino, [&](Attr& x) { x.perm = value; }); };
  auto move = [&](Caller who) { return code_of(w.rename(who, a, "f", b, "g")); };
  for (auto [ino, flag] : {std::pair{a, kAppendOnly}, {a, kImmutable}, {b, kImmutable},
                           {src, kAppendOnly}, {src, kImmutable}, {dst, kAppendOnly},
                           {dst, kImmutable}}) {
    flags(ino, flag);
    EXPECT_EQ(move(kRoot), EPERM) << ino;
    flags(ino, 0);
  }
  perm(a, 01777);
  EXPECT_EQ(move(kBob), EACCES);
  flags(src, kImmutable);
  EXPECT_EQ(move(kBob), EPERM);  // flags of the source before its parent's sticky bit
  flags(src, 0);
  flags(dst, kImmutable);
  EXPECT_EQ(move(kBob), EACCES);  // the sticky source parent before the target's flags
  flags(dst, 0);
  perm(a, 0777);
  perm(b, 01777);
  EXPECT_EQ(move(kBob), EACCES);  // the target is Ann's
  flags(b, kAppendOnly);          // does not hinder
  EXPECT_EQ(move(kAnn), 0);
}

TEST(RenameRules, StickyParentsDirectoriesLeaveOnlyWithTheirOwner) {
  World w;
  const Ino a = w.mkdir(kRootIno, "a", 01777, kAnn);
  w.change(a, [](Attr& x) { x.perm = 01777; });
  w.mkdir(a, "d", 0755, kBob);
  w.file(a, "f", 0644, kBob);
  // The owner of the sticky directory may take a file out, not a directory.
  EXPECT_EQ(code_of(w.rename(kAnn, a, "d", kRootIno, "d")), EACCES);
  EXPECT_EQ(code_of(w.rename(kAnn, a, "d", a, "e")), 0);
  EXPECT_EQ(code_of(w.rename(kAnn, a, "f", kRootIno, "f")), 0);
  EXPECT_EQ(code_of(w.rename(kBob, a, "e", kRootIno, "e")), 0);
}

TEST(RenameRules, TargetDirectoryMustBeEmpty) {
  World w;
  const Ino d = w.mkdir(kRootIno, "d");
  const Ino e = w.mkdir(kRootIno, "e", 0755, kAnn);
  w.file(e, "f");
  w.change(kRootIno, [](Attr& a) { a.perm = 01777; });
  w.change(d, [](Attr& a) { a.uid = kBob.uid; });
  EXPECT_EQ(code_of(w.rename(kBob, kRootIno, "d", kRootIno, "e")), ENOTEMPTY);
  ok(w.unlink(kRoot, e, "f"));
  EXPECT_EQ(code_of(w.rename(kBob, kRootIno, "d", kRootIno, "e")), EACCES);
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "d", kRootIno, "e")), 0);
}

TEST(RenameRules, TargetWithoutInodeIsReplacedButNotExchanged) {
  World w;
  w.enable_trash();
  w.file(kRootIno, "f");
  const Ino broken = w.file(kRootIno, "g");
  w.store.values().erase(w.keys.attr(broken));
  EXPECT_EQ(code_of(w.rename(kRoot, kRootIno, "f", kRootIno, "g", kRenameExchange)), ENOENT);
  EXPECT_EQ(w.rename(kRoot, kRootIno, "f", kRootIno, "g")->other_fate, Fate::kDeleted);
}

}  // namespace
}  // namespace fastmeta::test
