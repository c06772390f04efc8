// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

namespace fastmeta::test {
namespace {

class TrashHourRules : public ::testing::Test {
 protected:
  Result<TrashHourReply> hour(Ino ino) {
    return w.run([&](const View& seen, Mutations& to) {
      return trash_hour(seen, {w.now, ino}, to);
    });
  }
  World w;
};

TEST_F(TrashHourRules, IsCreatedOnce) {
  w.enable_trash();
  EXPECT_EQ(code_of(hour(0)), ENOENT);
  const Ino ino = kTrashIno + 3;
  auto made = hour(ino);
  EXPECT_TRUE(made->created);
  const std::string n = std::to_string(ino), t = std::to_string(kTrashIno);
  EXPECT_EQ(w.writes(),
            (Lines{"SET i" + n + " dir 0555 0:0 nlink=2 len=4096 parent=" + t +
                       " a=1800000000 m=1800000000 c=1800000000",
                   "HSET d" + t + " 2027-01-15-08 dir:" + n, "HSET dirUsedInodes " + n + " 0",
                   "HSET dirDataLength " + n + " 0", "HSET dirUsedSpace " + n + " 0",
                   "INCRBY usedSpace 4096", "INCRBY totalInodes 1"}));
  EXPECT_EQ(w.rounds, 1);
  EXPECT_EQ(w.watched, (std::set<std::string>{"i" + t, "d" + t, "i" + n}));
  auto again = hour(kTrashIno + 4);
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->ino, ino);
  EXPECT_TRUE(w.out.empty());
  EXPECT_EQ(hour(0)->ino, ino);
  w.now.sec += 3600;
  EXPECT_EQ(code_of(hour(0)), ENOENT);
  EXPECT_TRUE(hour(kTrashIno + 4)->created);
}

TEST_F(TrashHourRules, NeedsTheTrashDirectory) { EXPECT_EQ(code_of(hour(kTrashIno + 1)), ENOENT); }

TEST_F(TrashHourRules, RefusesANumberInUse) {
  w.enable_trash();
  EXPECT_TRUE(hour(kTrashIno + 1)->created);
  w.now.sec += 3600;
  EXPECT_EQ(code_of(hour(kTrashIno + 1)), kCorruptCode);
}

}  // namespace
}  // namespace fastmeta::test
