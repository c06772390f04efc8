// SPDX-License-Identifier: GPL-3.0-or-later
// When what was shown ends without a push, the host hears of it: the kernel may remember it.
#include <gtest/gtest.h>

#include "support/fault_proxy.h"
#include "unit/engine/sync_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;

class Notices : public Sync {
 protected:
  int remove(Ino parent, const std::string& name, bool folder = false, Ino trash = 0) {
    model::UnlinkArgs gone;
    gone.trash = trash;
    gone.now = Clock().now();
    gone.parent = parent;
    gone.name = name;
    return rig().apply(folder ? model::Operation(model::Rmdir{gone})
                              : model::Operation(model::Unlink{gone}));
  }
};

TEST_F(Notices, WhatALostReplyHidIsNotWhatWasPending) {
  FaultProxy proxy(server.port());
  rig_ = std::make_unique<SyncRig>(config(proxy.url()), host, tables);
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  proxy.cut_reply_to("EXEC");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(proxy.cuts(), 1u);
  EXPECT_GE(host.all.load(), 1);
}

TEST_F(Notices, WhatIsOfferedAgainWasNotToBeSeenForAWhile) {
  ASSERT_EQ(rig().create(kRoot, "before", 100), 0);
  ASSERT_TRUE(rig().drain());
  forgotten([&] {
    ASSERT_EQ(rig().create(kRoot, "after", 101), 0);
    ASSERT_TRUE(rig().drain());
    ASSERT_EQ(rig().create(kRoot, "while", 102), 0);
  });
  ASSERT_EQ(number("HLEN d1"), 1) << "the server has to have lost it";
  ASSERT_EQ(host.all.load(), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(number("HLEN d1"), 3);
  EXPECT_GE(host.all.load(), 1);
}

TEST_F(Notices, WhatIsSettledAfterALossMayHaveBeenChangedBefore) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  rig().step();  // sent
  ASSERT_TRUE(rig().backlog.oldest());
  rig().validity.raise_epoch();
  ASSERT_EQ(host.all.load(), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_GE(host.all.load(), 1);
}

TEST_F(Notices, CancelledChangesTakeTheTimesOfTheirFolderAlong) {
  ASSERT_EQ(rig().create(kRoot, "first", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().create(kRoot, "t", 101, FileType::kDirectory), 0);
  ASSERT_EQ(remove(kRoot, "t", true), 0);
  host.forget();
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(rig().sync->stats().cancelled, 2u);
  EXPECT_TRUE(host.saw("attr", kRoot));
  EXPECT_FALSE(host.saw("names", kRoot)) << "the name is as absent as it was";
}

TEST_F(Notices, TimesThatWereShownAreToldOfWhenTheyEnd) {
  ASSERT_EQ(rig().create(kRoot, "stays", 100, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(kRoot, "t", 101, FileType::kDirectory), 0);
  ASSERT_EQ(remove(kRoot, "t", true), 0);
  // Between the cancelling and the settling.
  rig().before_send = [&] { host.forget(); };
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(rig().sync->stats().cancelled, 2u);
  EXPECT_TRUE(host.saw("attr", kRoot));
}

TEST_F(Notices, WhatIsSettledAsItWasShownIsNotToldOf) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  host.forget();
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_FALSE(host.saw("attr", kRoot));
  EXPECT_FALSE(host.saw("attr", 100));
}

TEST_F(Notices, WhatALaterHourOfTheTrashTakesIsGoneFromTheOneThatShowedIt) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(remove(kRoot, "f", false, model::kTrashIno + 1), 0);
  host.forget();
  rig().trash = model::kTrashIno + 2;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(host.saw("names", model::kTrashIno + 1));
  EXPECT_TRUE(host.saw("names", model::kTrashIno + 2));
}

TEST_F(Notices, ACancelledNameUncoversAnothersName) {
  ASSERT_EQ(rig().create(kRoot, "t", 101), 0);
  ASSERT_EQ(remove(kRoot, "t"), 0);
  const engine::Token before = rig().validity.now();
  other_creates("1", "t");
  ASSERT_TRUE(soon([&] { return !rig().validity.valid(before, "d1"); }));
  host.forget();
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(rig().sync->stats().cancelled, 2u);
  EXPECT_TRUE(host.saw("names", kRoot));
}

}  // namespace
}  // namespace fastmeta::test
