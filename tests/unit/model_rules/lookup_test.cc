// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

TEST(LookupRules, FindsByName) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  auto found = w.lookup(kRootIno, "f");
  ASSERT_EQ(code_of(found), 0);
  EXPECT_EQ(found->ino, file);
  EXPECT_EQ(found->attr, w.attr(file));
  EXPECT_EQ(w.rounds, 2);
  EXPECT_EQ(code_of(w.lookup(kRootIno, "g")), ENOENT);
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(code_of(w.lookup(kRootIno, std::string(256, 'n'))), ENAMETOOLONG);
}

TEST(LookupRules, DotAndDotDot) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  const Ino sub = w.mkdir(dir, "s");
  EXPECT_EQ(w.lookup(sub, ".")->ino, sub);
  EXPECT_EQ(w.lookup(sub, "..")->ino, dir);
  EXPECT_EQ(w.lookup(dir, "..")->ino, kRootIno);
  EXPECT_EQ(w.lookup(kRootIno, "..")->ino, kRootIno);
  EXPECT_EQ(code_of(w.lookup(w.file(dir, "f"), "..")), ENOTDIR);
  EXPECT_EQ(code_of(w.lookup(99, "..")), ENOENT);
  EXPECT_EQ(code_of(w.lookup(99, ".")), ENOENT);
}

TEST(LookupRules, EntryWithoutInodeIsShownWithoutPermissions) {
  World w;
  const Ino dir = w.mkdir(kRootIno, "d");
  w.store.values().erase(w.keys.attr(dir));
  auto found = w.lookup(kRootIno, "d");
  ASSERT_EQ(code_of(found), 0);
  EXPECT_EQ(found->ino, dir);
  EXPECT_EQ(found->attr.type, FileType::kDirectory);
  EXPECT_EQ(found->attr.perm, 0);
}

TEST(LookupRules, TrashIsFoundInTheRootOnly) {
  World w;
  EXPECT_EQ(code_of(w.lookup(kRootIno, ".trash")), ENOENT);
  w.enable_trash();
  EXPECT_EQ(w.lookup(kRootIno, ".trash")->ino, kTrashIno);
  EXPECT_EQ(code_of(w.lookup(w.mkdir(kRootIno, "d"), ".trash")), ENOENT);
}

TEST(LookupRules, DamagedEntryOrInodeIsNoAnswer) {
  World w;
  const Ino file = w.file(kRootIno, "f");
  w.store.values()[w.keys.attr(file)] = "bad";
  EXPECT_EQ(code_of(w.lookup(kRootIno, "f")), kCorruptCode);
  std::get<MemoryStore::Hash>(w.store.values()[w.keys.dir(kRootIno)])["f"] = "bad";
  EXPECT_EQ(code_of(w.lookup(kRootIno, "f")), kCorruptCode);
}

}  // namespace
}  // namespace fastmeta::test
