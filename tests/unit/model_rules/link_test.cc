// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(LinkRules, SecondNameMovesTheParentsIntoTheirHash) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  const Ino dir = w.mkdir(kRootIno, "d");
  ok(w.write(file, 0, {0, 5, 100, 0, 100}));
  ok(w.link(kRoot, file, dir, "g"));
  EXPECT_EQ(w.writes(),
            (Lines{"HSET d3 g file:2",
                   "SET i3 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000001 m=1800000003 "
                   "c=1800000003",
                   "SET i2 file 0644 0:0 nlink=2 len=100 parent=0 a=1800000000 m=1800000002 "
                   "c=1800000003",
                   "HINCRBY p2 1 1", "HINCRBY p2 3 1"}));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "i3", "d3", "p2"}));
  ASSERT_EQ(w.out.dir_stats.size(), 1u);
  EXPECT_EQ(w.out.dir_stats[0].dir, dir);
  EXPECT_EQ(w.out.dir_stats[0].length, 100);
  EXPECT_EQ(w.out.dir_stats[0].space, 4096);
  ok(w.link(kRoot, file, dir, "h"));
  EXPECT_EQ(w.writes(),
            (Lines{"HSET d3 h file:2",
                   "SET i3 dir 0755 0:0 nlink=2 len=4096 parent=1 a=1800000001 m=1800000004 "
                   "c=1800000004",
                   "SET i2 file 0644 0:0 nlink=3 len=100 parent=0 a=1800000000 m=1800000002 "
                   "c=1800000004",
                   "HINCRBY p2 3 1"}));
}

TEST(LinkRules, ErrorsInTheirOrder) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  const Ino dir = w.mkdir(kRootIno, "d");
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, std::string(256, 'n'))), ENAMETOOLONG);
  EXPECT_EQ(code_of(w.link(kRoot, file, kRootIno, ".stats")), EPERM);
  EXPECT_EQ(code_of(w.link(kRoot, file, kTrashIno + 1, "g")), EPERM);
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "..")), EEXIST);
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "")), EINVAL);
  EXPECT_EQ(code_of(w.link(kRoot, 99, 98, "g")), ENOENT);
  EXPECT_EQ(code_of(w.link(kRoot, dir, 98, "g")), EPERM);  // a directory, before its parent
  EXPECT_EQ(code_of(w.link(kRoot, file, 98, "g")), ENOENT);
  EXPECT_EQ(code_of(w.link(kRoot, file, file, "g")), ENOTDIR);
  w.change(file, [](Attr& a) { a.flags = kAppendOnly; });
  w.file(dir, "g");
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "g")), EPERM);  // fixed, before EEXIST
  w.change(file, [](Attr& a) { a.flags = 0; });
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "g")), EEXIST);
  w.change(dir, [](Attr& a) { a.flags = kImmutable; });
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "g")), EPERM);
  w.change(dir, [](Attr& a) { a.parent = kTrashIno + 1; });
  EXPECT_EQ(code_of(w.link(kRoot, file, dir, "g")), ENOENT);
}

TEST(LinkRules, FileWithoutANameIsNotNamedAgain) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.open.insert(file);
  EXPECT_EQ(w.unlink(kRoot, kRootIno, "f")->fate, Fate::kSustained);
  EXPECT_EQ(code_of(w.link(kRoot, file, kRootIno, "g")), ENOENT);
}

}  // namespace
}  // namespace fastmeta::test
