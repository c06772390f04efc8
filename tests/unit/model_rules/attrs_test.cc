// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

class SetattrRules : public ::testing::Test {
 protected:
  Ino node(uint16_t perm, uint32_t uid, FileType type = FileType::kFile) {
    const std::string name = "n" + std::to_string(w.next_ino);
    const Ino ino = w.create(kRoot, kRootIno, name, type)->ino;
    w.change(ino, [&](Attr& a) {
      a.perm = perm;
      a.uid = a.gid = uid;
    });
    return ino;
  }
  SetattrArgs args(Caller who, Ino ino) {
    SetattrArgs want;
    want.who = who;
    want.ino = ino;
    return want;
  }
  int chmod(Caller who, Ino ino, uint16_t mode) {
    SetattrArgs want = args(who, ino);
    want.mode = mode;
    return code_of(w.setattr(want));
  }
  int chown(Caller who, Ino ino, std::optional<uint32_t> uid, std::optional<uint32_t> gid,
            std::optional<uint16_t> mode = std::nullopt) {
    SetattrArgs want = args(who, ino);
    want.uid = uid;
    want.gid = gid;
    want.mode = mode;
    return code_of(w.setattr(want));
  }
  World w;
};

TEST_F(SetattrRules, ChangeSetsCtimeOnly) {
  const Ino ino = node(0644, 1000);
  const Attr before = w.attr(ino);
  EXPECT_EQ(chmod(kAnn, ino, 0600), 0);
  EXPECT_EQ(w.writes(), (Lines{"SET i2 file 0600 1000:1000 nlink=1 len=0 parent=1 a=1800000000 "
                               "m=1800000000 c=1800000001"}));
  EXPECT_EQ(w.attr(ino).mtime, before.mtime);
  EXPECT_EQ(w.rounds, 1);
}

TEST_F(SetattrRules, NoChangeWritesNothing) {
  const Ino ino = node(0644, 1000);
  EXPECT_EQ(chmod(kBob, ino, 0644), 0);
  EXPECT_TRUE(w.out.empty());
  EXPECT_EQ(chown(kAnn, ino, 1000, 1000), 0);
  EXPECT_TRUE(w.out.empty());
  SetattrArgs times = args(kBob, ino);
  times.atime = w.attr(ino).atime;
  ok(w.setattr(times));
  EXPECT_TRUE(w.out.empty());
}

TEST_F(SetattrRules, MissingAndTrashed) {
  EXPECT_EQ(chmod(kRoot, 99, 0), ENOENT);
  const Ino ino = node(0644, 0);
  w.change(ino, [](Attr& a) { a.parent = kTrashIno + 1; });
  EXPECT_EQ(chmod(kRoot, ino, 0), EPERM);
  w.enable_trash();
  EXPECT_EQ(chmod(kRoot, kTrashIno, 0), EPERM);
}

TEST_F(SetattrRules, FixedInodesMayBeChanged) {
  const Ino ino = node(0644, 0);
  w.change(ino, [](Attr& a) { a.flags = kImmutable | kAppendOnly; });
  EXPECT_EQ(chmod(kRoot, ino, 0600), 0);
}

TEST_F(SetattrRules, ModeOfOthersFilesIsTheirs) {
  const Ino ino = node(04755, 1000);
  EXPECT_EQ(chmod(kBob, ino, 0700), EPERM);
  EXPECT_EQ(chmod(kBob, ino, 06755), EPERM);
  EXPECT_EQ(chmod(kBob, ino, 0755), 0);  // clearing, as the kernel does before a write
  EXPECT_EQ(chmod(kAnn, ino, 06700), 0);
  EXPECT_EQ(w.attr(ino).perm, 06700);
}

TEST_F(SetattrRules, ChangeOfOwnerClearsSetIds) {
  struct Case {
    Caller who;
    uint16_t before, after;
  };
  for (const Case& c : {Case{kRoot, 06755, 0755}, {kRoot, 06644, 02644}, {kRoot, 02755, 0755},
                        {kAnn, 06644, 0644}, {kAnn, 04700, 0700}}) {
    const Ino ino = node(c.before, 1000);
    EXPECT_EQ(chown(c.who, ino, std::nullopt, 1000), 0);
    EXPECT_EQ(w.attr(ino).perm, c.after) << std::oct << c.before;
    EXPECT_EQ(w.out.writes.size(), 1u);
  }
  const Ino dir = node(06755, 1000, FileType::kDirectory);
  EXPECT_EQ(chown(kRoot, dir, 5, 6), 0);
  EXPECT_EQ(w.attr(dir).perm, 06755);
  EXPECT_EQ(w.attr(dir).uid, 5u);
  EXPECT_EQ(w.attr(dir).gid, 6u);
}

TEST_F(SetattrRules, OwnerAndModeTogether) {
  const Ino file = node(06755, 1000);
  EXPECT_EQ(chown(kRoot, file, 5, std::nullopt, 0711), 0);
  EXPECT_EQ(w.attr(file).perm, 0711);
  const Ino dir = node(02755, 1000, FileType::kDirectory);
  EXPECT_EQ(chown(kRoot, dir, 5, std::nullopt, 0700), 0);
  EXPECT_EQ(w.attr(dir).perm, 02700);  // what was there is kept
}

TEST_F(SetattrRules, GroupOfOthersFilesIsTheirs) {
  const Ino ino = node(0644, 1000);
  EXPECT_EQ(chown(kBob, ino, std::nullopt, 1001), EPERM);
  EXPECT_EQ(chown(kBob, ino, std::nullopt, 1000), EPERM);  // even without a change
  EXPECT_EQ(chown(kAnn, ino, std::nullopt, 1001), 0);
  EXPECT_EQ(w.attr(ino).gid, 1001u);
}

TEST_F(SetattrRules, Times) {
  const Ino ino = node(0644, 1000);
  SetattrArgs want = args(kAnn, ino);
  want.atime = Timestamp{-5, 7};
  want.mtime_now = true;
  const Timestamp now = w.now;
  ok(w.setattr(want));
  EXPECT_EQ(w.attr(ino).atime, (Timestamp{-5, 7}));
  EXPECT_EQ(w.attr(ino).mtime, now);
  EXPECT_EQ(w.attr(ino).ctime, now);
  const Ino roots = node(0666, 0);
  SetattrArgs explicit_time = args(kAnn, roots);
  explicit_time.mtime = Timestamp{1, 0};
  EXPECT_EQ(code_of(w.setattr(explicit_time)), EPERM);
  explicit_time.mtime.reset();
  explicit_time.atime = Timestamp{1, 0};
  EXPECT_EQ(code_of(w.setattr(explicit_time)), EPERM);
  explicit_time.atime_now = explicit_time.mtime_now = true;
  EXPECT_EQ(code_of(w.setattr(explicit_time)), 0);
  SetattrArgs of_ann = args(kBob, ino);
  of_ann.mtime = Timestamp{2, 0};
  EXPECT_EQ(code_of(w.setattr(of_ann)), 0);  // the kernel saw to write access
}

TEST_F(SetattrRules, Flags) {
  const Ino ino = node(0644, 0);
  w.change(ino, [](Attr& a) { a.flags = 0x04; });
  SetattrArgs want = args(kRoot, ino);
  want.flags = kImmutable | kSkipTrash;
  ok(w.setattr(want));
  EXPECT_EQ(w.attr(ino).flags, kImmutable | kSkipTrash | 0x04);
  want.flags = 0;
  ok(w.setattr(want));
  EXPECT_EQ(w.attr(ino).flags, 0x04);
  want.flags = 0x40;
  EXPECT_EQ(code_of(w.setattr(want)), ENOTSUP);
}

TEST_F(SetattrRules, KillSuidAsAWriteDoes) {
  for (auto [before, after] : {std::pair{06755, 0755}, {06644, 02644}, {0644, 0644}}) {
    SetattrArgs want = args(kBob, node(static_cast<uint16_t>(before), 1000));
    want.kill_suid = true;
    ok(w.setattr(want));
    EXPECT_EQ(w.attr(want.ino).perm, after);
    EXPECT_EQ(w.out.empty(), before == after);
  }
  SetattrArgs dir = args(kBob, node(06755, 1000, FileType::kDirectory));
  dir.kill_suid = true;
  ok(w.setattr(dir));
  EXPECT_TRUE(w.out.empty());
}

TEST(AttrRules, GetattrAndReadlink) {
  World w;
  auto getattr = [&](Ino ino) {
    return w.run([&](const View& seen, Mutations&) { return model::getattr(seen, ino); });
  };
  auto readlink = [&](Ino ino) {
    return w.run([&](const View& seen, Mutations&) { return model::readlink(seen, ino); });
  };
  const Ino link = w.symlink(kRoot, kRootIno, "s", "to")->ino;
  EXPECT_EQ(*getattr(link), w.attr(link));
  EXPECT_EQ(code_of(getattr(99)), ENOENT);
  EXPECT_EQ(*readlink(link), "to");
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(code_of(readlink(kRootIno)), EINVAL);
  EXPECT_EQ(code_of(readlink(99)), ENOENT);
  w.store.values().erase(w.keys.symlink(link));
  EXPECT_EQ(code_of(readlink(link)), kCorruptCode);
}

TEST(XattrRules, FlagsAndErrors) {
  World w;
  const Ino ino = w.file(kRootIno, "f");
  auto set = [&](const std::string& name, const std::string& value, uint32_t flags) {
    return code_of(w.run([&](const View& seen, Mutations& to) {
      return setxattr(seen, {ino, name, value, flags}, to);
    }));
  };
  auto get = [&](const std::string& name) {
    return w.run([&](const View& seen, Mutations&) { return getxattr(seen, ino, name); });
  };
  auto remove = [&](const std::string& name) {
    return code_of(
        w.run([&](const View& seen, Mutations& to) { return removexattr(seen, ino, name, to); }));
  };
  EXPECT_EQ(set("user.a", "1", kXattrReplace), ENODATA);
  EXPECT_EQ(set("user.a", "1", kXattrCreate), 0);
  EXPECT_EQ(w.writes(), (Lines{"HSET x2 user.a 1"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"i2", "x2"}));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(set("user.a", "2", kXattrCreate), EEXIST);
  EXPECT_EQ(set("user.a", "2", kXattrReplace), 0);
  EXPECT_EQ(set("user.b", std::string("\0x", 2), 0), 0);
  EXPECT_EQ(set("user.b", "", 3), EINVAL);
  EXPECT_EQ(set("", "", 0), EINVAL);
  EXPECT_EQ(set(std::string(256, 'n'), "", 0), ERANGE);
  EXPECT_EQ(set("user.big", std::string(65537, 'v'), 0), ERANGE);
  EXPECT_EQ(set("user.big", std::string(65536, 'v'), 0), 0);
  EXPECT_EQ(set("system.posix_acl_access", "x", 0), ENOTSUP);
  EXPECT_EQ(*get("user.a"), "2");
  EXPECT_EQ(*get("user.b"), std::string("\0x", 2));
  EXPECT_EQ(code_of(get("user.c")), ENODATA);
  EXPECT_EQ(code_of(get("system.posix_acl_default")), ENODATA);
  EXPECT_EQ(code_of(get("")), EINVAL);
  auto names = w.run([&](const View& seen, Mutations&) { return listxattr(seen, ino); });
  EXPECT_EQ(*names, (Lines{"user.a", "user.b", "user.big"}));
  EXPECT_EQ(remove("user.c"), ENODATA);
  EXPECT_EQ(remove("user.a"), 0);
  EXPECT_EQ(w.writes(), (Lines{"HDEL x2 user.a"}));
  EXPECT_EQ(remove("user.a"), ENODATA);
  auto gone = w.run([&](const View& seen, Mutations& to) {
    return setxattr(seen, {99, "user.a", "1", 0}, to);
  });
  EXPECT_EQ(code_of(gone), ENOENT);
}

TEST(StatfsRules, LimitedVolume) {
  VolumeFacts facts;
  facts.capacity = 1000;
  facts.inode_limit = 10;
  facts.used_space = 400;
  facts.used_inodes = 3;
  SpaceReply space = statfs(facts);
  EXPECT_EQ(space.total_bytes, 1000u);
  EXPECT_EQ(space.avail_bytes, 600u);
  EXPECT_EQ(space.used_inodes, 3u);
  EXPECT_EQ(space.avail_inodes, 7u);
  facts.used_space = 1500;
  facts.used_inodes = 12;
  space = statfs(facts);
  EXPECT_EQ(space.total_bytes, 1500u);
  EXPECT_EQ(space.avail_bytes, 0u);
  EXPECT_EQ(space.avail_inodes, 0u);
}

TEST(StatfsRules, UnlimitedVolumeShowsRoomToGrow) {
  VolumeFacts facts;
  facts.used_space = -5;
  EXPECT_EQ(statfs(facts).avail_bytes, uint64_t{1} << 50);
  const int64_t pib = int64_t{1} << 50;
  facts.used_space = pib / 10 * 8;  // total * 8 < used * 10 is the border
  EXPECT_EQ(statfs(facts).total_bytes, uint64_t{1} << 50);
  facts.used_space = pib / 10 * 8 + 10;
  EXPECT_EQ(statfs(facts).total_bytes, uint64_t{1} << 51);
  facts.used_space = INT64_MAX;
  EXPECT_EQ(statfs(facts).total_bytes, uint64_t{1} << 63);
  facts.used_inodes = int64_t{40} << 20;
  EXPECT_EQ(statfs(facts).avail_inodes, uint64_t{10} << 20);
  ++facts.used_inodes;
  EXPECT_EQ(statfs(facts).avail_inodes, uint64_t{20} << 20);
}

}  // namespace
}  // namespace fastmeta::test
