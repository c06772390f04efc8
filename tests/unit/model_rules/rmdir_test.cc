// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

Lines forgotten(Ino dir) {
  const std::string ino = " " + std::to_string(dir);
  return {"HDEL dirDataLength" + ino, "HDEL dirUsedSpace" + ino, "HDEL dirUsedInodes" + ino,
          "HDEL dirQuota" + ino, "HDEL dirQuotaUsedSpace" + ino, "HDEL dirQuotaUsedInodes" + ino};
}

Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(RmdirRules, WithoutTrash) {
  World w;
  w.facts.dir_mtime_step_ns = INT64_MAX;
  const Ino dir = w.mkdir(kRootIno, "d");
  EXPECT_EQ(w.rmdir(kRoot, kRootIno, "d")->fate, Fate::kDeleted);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 d",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000001 "
                   "c=1800000001",
                   "DEL i2", "DEL x2", "INCRBY usedSpace -4096", "INCRBY totalInodes -1"}) +
                forgotten(dir));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i1", "d1", "i2", "d2", "x2"}));
  EXPECT_EQ(w.rounds, 2);
  EXPECT_EQ(w.stats[kRootIno].inodes, 0);
}

TEST(RmdirRules, IntoTheTrash) {
  World w;
  w.enable_trash();
  const Ino dir = w.mkdir(kRootIno, "d");
  const Ino hour = w.trash();
  EXPECT_EQ(w.rmdir(kRoot, kRootIno, "d")->fate, Fate::kTrashed);
  const std::string h = std::to_string(hour);
  EXPECT_EQ(w.writes(),
            (Lines{"HDEL d1 d",
                   "SET i1 dir 0777 0:0 nlink=2 len=4096 parent=1 a=1700000000 m=1800000002 "
                   "c=1800000002",
                   "SET i2 dir 0755 0:0 nlink=2 len=4096 parent=" + h +
                       " a=1800000000 m=1800000000 c=1800000002",
                   "HSET d" + h + " 1-2-d dir:2"}) +
                forgotten(dir));
  EXPECT_EQ(w.stats[hour].inodes, 1);
  EXPECT_EQ(w.stats[hour].space, 4096);
  const Attr before = w.attr(hour);
  EXPECT_EQ(code_of(w.rmdir(kAnn, hour, "1-2-d")), EPERM);
  EXPECT_EQ(w.rmdir(kRoot, hour, "1-2-d")->fate, Fate::kDeleted);
  EXPECT_EQ(w.attr(hour), before);
}

TEST(RmdirRules, SkipTrashDeletes) {
  World w;
  w.enable_trash();
  const Ino dir = w.mkdir(kRootIno, "d");
  w.change(dir, [](Attr& a) { a.flags = kSkipTrash; });
  EXPECT_EQ(w.rmdir(kRoot, kRootIno, "d")->fate, Fate::kDeleted);
}

TEST(RmdirRules, DirectoryWithoutInodeCanBeRemoved) {
  World w;
  w.enable_trash();
  const Ino dir = w.mkdir(kRootIno, "d");
  w.store.values().erase(w.keys.attr(dir));
  EXPECT_EQ(w.rmdir(kRoot, kRootIno, "d")->fate, Fate::kDeleted);
  EXPECT_EQ(w.attr(kRootIno).nlink, 2u);
}

TEST(RmdirRules, ErrorsInTheirOrder) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  const Ino sub = w.mkdir(dir, "sub", 0755, kAnn);
  w.file(dir, "f");
  EXPECT_EQ(code_of(w.rmdir(kRoot, dir, ".")), EINVAL);
  EXPECT_EQ(code_of(w.rmdir(kRoot, dir, "..")), ENOTEMPTY);
  EXPECT_EQ(code_of(w.rmdir(kRoot, kRootIno, ".trash")), EPERM);
  EXPECT_EQ(code_of(w.rmdir(kRoot, kTrashIno, "2027-01-15-08")), EPERM);
  EXPECT_EQ(code_of(w.rmdir(kRoot, dir, "none")), ENOENT);
  w.change(dir, [](Attr& a) { a.flags = kAppendOnly; a.perm = 01777; });
  EXPECT_EQ(code_of(w.rmdir(kRoot, dir, "f")), ENOTDIR);  // before the parent's flags
  w.file(sub, "inside");
  EXPECT_EQ(code_of(w.rmdir(kBob, dir, "sub")), EPERM);
  w.change(dir, [](Attr& a) { a.flags = 0; });
  EXPECT_EQ(code_of(w.rmdir(kBob, dir, "sub")), ENOTEMPTY);  // before the sticky bit
  ok(w.unlink(kRoot, sub, "inside"));
  EXPECT_EQ(code_of(w.rmdir(kBob, dir, "sub")), EACCES);
  w.change(sub, [](Attr& a) { a.flags = kImmutable; });  // not looked at
  EXPECT_EQ(code_of(w.rmdir(kAnn, dir, "sub")), 0);
}

}  // namespace
}  // namespace fastmeta::test
