// SPDX-License-Identifier: GPL-3.0-or-later
// An operation that reaches the server later than it was acknowledged: doc/oplog.md.
#include <set>

#include "pending_volume.h"
#include "support/describe_writes.h"

namespace fastmeta::test {
namespace {

constexpr Timestamp kLater{1'800'090'000, 5};  // a day after the operations

class ReplaySemantics : public ::testing::Test {
 protected:
  PendingVolume v;
  Replay later{kLater, kTrashIno + 2, nullptr};

  Operation create_of(const std::string& name, Ino ino, FileType type = FileType::kFile) {
    CreateArgs want;
    want.who = kAnyone;
    want.now = v.now;
    want.parent = kRootIno;
    want.name = name;
    want.type = type;
    want.ino = ino;
    return want;
  }
  int64_t score(const std::string& member) const {
    auto* dead = v.store.get<MemoryStore::SortedSet>("delfiles");
    auto at = dead ? dead->scores.find(member) : std::map<std::string, int64_t>::const_iterator{};
    return dead && at != dead->scores.end() ? at->second : -1;
  }
  bool has(Ino dir, const std::string& name) const {
    return v.store.field(v.keys.dir(dir), name).has_value();
  }
};

TEST_F(ReplaySemantics, NewNodesAreAsOldAsTheirArrivalToTheGc) {
  const Timestamp then = v.now;
  ASSERT_EQ(code_of(v.run(create_of("f", 9), &later)), 0);
  EXPECT_EQ(v.attr(9).ctime, kLater);
  EXPECT_EQ(v.attr(9).mtime, then);
  EXPECT_EQ(v.attr(9).atime, then);
  EXPECT_EQ(v.attr(kRootIno).mtime, then);
  EXPECT_EQ(v.attr(kRootIno).ctime, then);
}

TEST_F(ReplaySemantics, WhatFollowsDoesNotSetTheCtimeBack) {
  ASSERT_EQ(code_of(v.run(create_of("f", 9), &later)), 0);
  const Timestamp then = v.now;
  ASSERT_EQ(code_of(v.run(WriteSliceArgs{then, then, 9, 0, {0, 1, 10, 0, 10}}, &later)), 0);
  EXPECT_EQ(v.attr(9).ctime, kLater);
  EXPECT_EQ(v.attr(9).mtime, then);
  ASSERT_EQ(v.chmod(9, 0600), 0);
  ASSERT_EQ(v.link(9, kRootIno, "g"), 0);
  ASSERT_EQ(v.rename(kRootIno, "g", kRootIno, "h"), 0);
  EXPECT_EQ(v.attr(9).ctime, kLater);

  ASSERT_EQ(code_of(v.run(create_of("d", 10, FileType::kDirectory), &later)), 0);
  v.create(10, "inside", FileType::kDirectory);
  EXPECT_EQ(v.attr(10).ctime, kLater);
}

TEST_F(ReplaySemantics, TimesOfDirectoriesNeverGoBack) {
  v.now.sec += 100;
  v.create(kRootIno, "newer", FileType::kDirectory);
  const Attr before = v.attr(kRootIno);
  v.now.sec -= 50;
  v.create(kRootIno, "older", FileType::kDirectory);
  EXPECT_EQ(v.attr(kRootIno).mtime, before.mtime);
  EXPECT_EQ(v.attr(kRootIno).ctime, before.ctime);
  EXPECT_EQ(v.attr(kRootIno).nlink, before.nlink + 1);
}

TEST_F(ReplaySemantics, DeletedFilesAreScoredByTheirArrival) {
  const Ino f = v.create(kRootIno, "f");
  ASSERT_EQ(code_of(v.run(Unlink{{kAnyone, v.now, kRootIno, "f", 0}}, &later)), 0);
  EXPECT_EQ(score(std::to_string(f) + ":0"), kLater.sec);

  const Ino g = v.create(kRootIno, "g");
  v.create(kRootIno, "h");
  ASSERT_EQ(code_of(v.run(RenameArgs{kAnyone, v.now, kRootIno, "h", kRootIno, "g", 0, 0}, &later)),
            0);
  EXPECT_EQ(score(std::to_string(g) + ":0"), kLater.sec);

  const Ino k = v.create(kRootIno, "k");
  v.open.insert(k);
  ASSERT_EQ(code_of(v.run(Unlink{{kAnyone, v.now, kRootIno, "k", 0}}, &later)), 0);
  EXPECT_EQ(v.attr(k).ctime, kLater);
  ASSERT_EQ(code_of(v.run(LastCloseArgs{v.now, k}, &later)), 0);
  EXPECT_EQ(score(std::to_string(k) + ":0"), kLater.sec);
}

TEST_F(ReplaySemantics, ANodeThatKeepsAnotherNameIsNotNew) {
  const Ino f = v.create(kRootIno, "f");
  ASSERT_EQ(v.link(f, kRootIno, "g"), 0);
  const Timestamp then = v.now;
  ASSERT_EQ(code_of(v.run(Unlink{{kAnyone, then, kRootIno, "g", 0}}, &later)), 0);
  EXPECT_EQ(v.attr(f).ctime, then);
}

TEST_F(ReplaySemantics, TrashIsThatOfTheHourOfTheReplay) {
  const Ino f = v.create(kRootIno, "f");
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);
  const Ino g = v.create(kRootIno, "g");
  v.create(kRootIno, "h");
  auto gone = [&](const std::string& name) {
    return UnlinkArgs{kAnyone, v.now, kRootIno, name, kTrashIno + 1};
  };
  ASSERT_EQ(code_of(v.run(Unlink{gone("f")}, &later)), 0);
  ASSERT_EQ(code_of(v.run(Rmdir{gone("d")}, &later)), 0);
  ASSERT_EQ(code_of(v.run(RenameArgs{kAnyone, v.now, kRootIno, "h", kRootIno, "g", 0,
                                     kTrashIno + 1},
                          &later)),
            0);
  for (auto [ino, name] : {std::pair(f, "f"), {d, "d"}, {g, "g"}}) {
    EXPECT_TRUE(has(kTrashIno + 2, trash_entry_name(kRootIno, ino, name))) << name;
    EXPECT_EQ(v.attr(ino).parent, kTrashIno + 2) << name;
    EXPECT_EQ(v.attr(ino).ctime, kLater) << name;
  }
}

TEST_F(ReplaySemantics, WithoutTrashThenThereIsNoneNow) {
  const Ino f = v.create(kRootIno, "f");
  ASSERT_EQ(code_of(v.run(Unlink{{kAnyone, v.now, kRootIno, "f", 0}}, &later)), 0);
  EXPECT_FALSE(v.store.values().contains(v.keys.attr(f)));
}

TEST_F(ReplaySemantics, WithoutAnHourTheOperationsOwnIsUsed) {
  const Ino f = v.create(kRootIno, "f");
  later.trash = 0;
  ASSERT_EQ(code_of(v.run(Unlink{{kAnyone, v.now, kRootIno, "f", kTrashIno + 1}}, &later)), 0);
  EXPECT_EQ(v.attr(f).parent, kTrashIno + 1);
}

TEST_F(ReplaySemantics, CopiesThePiecesOfThen) {
  const Ino from = v.create(kRootIno, "from");
  const Ino to = v.create(kRootIno, "to");
  ASSERT_EQ(v.write(from, {0, 41, 100, 0, 100}), 0);
  ASSERT_EQ(v.write(from, {200, 42, 100, 0, 100}), 0);
  const MemoryStore before = v.store;
  const CopyRangeArgs want{kAnyone, v.now, from, 50, to, 0, 200, 0};
  auto done = v.run(want);
  ASSERT_EQ(code_of(done), 0);
  const std::vector<SliceRecord> pieces = std::get<CopyRangeReply>(*done).pieces;
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(v.log.back().copied, pieces);
  const auto lines = describe(v.out);

  // The source is another one by now.
  v.store = before;
  ASSERT_EQ(v.write(from, {0, 43, 300, 0, 300}), 0);
  later.copied = &pieces;
  later.at = want.now;
  done = v.run(want, &later);
  ASSERT_EQ(code_of(done), 0);
  EXPECT_EQ(std::get<CopyRangeReply>(*done).copied, 200u);
  EXPECT_EQ(describe(v.out), lines);

  v.store = before;
  ASSERT_EQ(v.unlink(kRootIno, "from"), 0);
  EXPECT_EQ(code_of(v.run(want, &later)), ENOENT);
}

TEST_F(ReplaySemantics, PiecesThatDoNotFitAreRefused) {
  const Ino from = v.create(kRootIno, "from");
  const Ino to = v.create(kRootIno, "to");
  const CopyRangeArgs want{kAnyone, v.now, from, 0, to, 0, 100, 0};
  for (const std::vector<SliceRecord>& pieces :
       {std::vector<SliceRecord>{{0, 1, 200, 0, 101}}, {{0, 1, 10, 5, 6}},
        {{0, 0, 0, 0, 60}, {0, 0, 0, 0, 60}}}) {
    later.copied = &pieces;
    EXPECT_EQ(code_of(v.run(want, &later)), EINVAL);
  }
  const std::vector<SliceRecord> none;
  later.copied = &none;
  EXPECT_EQ(code_of(v.run(want, &later)), 0);
  EXPECT_TRUE(v.out.empty());
}

TEST(Operations, TellWhomAndWhatTheyConcern) {
  const Operation rename = RenameArgs{kAnyone, {}, 9, "a", 4, "b", 0, 0};
  EXPECT_EQ(inodes_of(rename), (std::vector<Ino>{4, 9}));
  EXPECT_EQ(caller_of(rename)->uid, kAnyone.uid);
  EXPECT_EQ(content_of(rename), 0u);
  const Operation within = RenameArgs{kAnyone, {}, 4, "a", 4, "b", 0, 0};
  EXPECT_EQ(inodes_of(within), (std::vector<Ino>{4}));
  const Operation unlink = Unlink{{kAnyone, {}, 4, "a", 0}};
  EXPECT_EQ(caller_of(unlink)->uid, kAnyone.uid);
  const Operation write = WriteSliceArgs{{}, {}, 5, 0, {}};
  EXPECT_EQ(caller_of(write), nullptr);
  EXPECT_EQ(content_of(write), 5u);
  EXPECT_EQ(content_of(CopyRangeArgs{kAnyone, {}, 5, 0, 6, 0, 0, 0}), 6u);
  EXPECT_STREQ(name_of(kind_of(write)), "write_slice");
}

// Whatever was done locally and however it is cut into batches, the server ends up with
// the same.
TEST(Reintegration, LeavesTheServerAsTheLocalState) {
  Dice dice(random_seed());
  std::set<OperationKind> kinds;
  size_t done = 0;
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    PendingVolume v;
    v.facts.trash = round % 2 == 0;
    MemoryStore server = v.store;
    for (int i = 0; i < 120; ++i) (void)v.run(random_operation(dice, v)).has_value();
    std::vector<const OplogRecord*> batch;
    for (const OplogRecord& record : v.log) {
      kinds.insert(kind_of(record.operation));
      batch.push_back(&record);
      if (!dice.one_in(10) && &record != &v.log.back()) continue;
      reintegrate(server, v, batch);
      batch.clear();
    }
    EXPECT_TRUE(server == v.store);
    done += v.log.size();
  }
  EXPECT_GT(done, 10'000u);
  EXPECT_EQ(kinds.size(), 12u);  // all but last_close
}

}  // namespace
}  // namespace fastmeta::test
