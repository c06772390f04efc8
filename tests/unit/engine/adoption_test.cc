// SPDX-License-Identifier: GPL-3.0-or-later
// A name that both have created or opened, whichever was possible, is one file in the end.
#include <gtest/gtest.h>

#include "unit/engine/sync_fixture.h"

namespace fastmeta::test {
namespace {

using model::Attr;
using model::FileType;
using model::Ino;

constexpr Ino kOurs = 100, kTheirs = 9000;

class AdoptionTest : public Sync {
 protected:
  // An open file of ours, as open(O_CREAT | O_RDWR) makes it.
  void create(uint8_t open_for, uint32_t uid = 0) {
    model::CreateArgs want;
    want.parent = kRoot;
    want.name = "name";
    want.ino = kOurs;
    want.mode = 0644;
    want.who.uid = want.who.gid = uid;
    want.now = Clock().now();
    want.open_for = open_for;
    rig().open_inodes().opened(kOurs);
    ASSERT_EQ(rig().apply(want), 0);
  }
  static Attr theirs(uint64_t length = 0) {
    Attr attr;
    attr.perm = 0644;
    attr.nlink = 1;
    attr.parent = kRoot;
    attr.length = length;
    return attr;
  }
  std::optional<Attr> stored(Ino ino) {
    auto reply = rig().client->read_one({"GET", "i" + std::to_string(ino)});
    if (!reply || !reply->is_text()) return std::nullopt;
    auto attr = model::decode_attr(reply->text);
    return attr ? std::optional(*attr) : std::nullopt;
  }
  // Names of ours that were there, in the server.
  Ino entry(const std::string& name) {
    auto reply = rig().client->read_one({"HGET", "d1", name});
    if (!reply || !reply->is_text()) return 0;
    auto dentry = model::decode_dentry(reply->text);
    return dentry ? dentry->ino : 0;
  }
  engine::Reintegration::Stats stats() { return rig().sync->stats(); }
};

constexpr uint8_t kReadWrite = model::kOpenThere | model::kOpenRead | model::kOpenWrite;

TEST_F(AdoptionTest, WhatWasDoneToOursIsDoneToTheirs) {
  create(kReadWrite);
  ASSERT_EQ(write(kOurs, 7, false), 0);
  ASSERT_EQ(rig().apply(model::SetXattrArgs{kOurs, "user.a", "b", 0}), 0);
  other_creates("1", "name", theirs());
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(stats().conflicts, 0u);
  EXPECT_EQ(stats().adopted, 1u);
  EXPECT_EQ(rig().find(kRoot, "name"), kTheirs);
  EXPECT_EQ(entry("name"), kTheirs);
  EXPECT_FALSE(stored(kOurs));
  EXPECT_EQ(stored(kTheirs)->length, 100u);
  EXPECT_EQ(number("LLEN c9000_0"), 1);
  EXPECT_EQ(number("HLEN x9000"), 1);
  EXPECT_EQ(number("EXISTS c100_0 x100"), 0);
  EXPECT_EQ(number("EXISTS totalInodes"), 0) << "theirs was counted by whoever made it";
}

TEST_F(AdoptionTest, AnOpenHandleGoesOnWithTheirs) {
  create(kReadWrite);
  other_creates("1", "name", theirs());
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(rig().open_inodes().number(kOurs), kTheirs);
  EXPECT_TRUE(rig().open_inodes().is_open(kTheirs));
  ASSERT_EQ(write(kOurs, 8, false), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("LLEN c9000_0"), 1);
  EXPECT_TRUE(rig().open_inodes().closed(kOurs).last);
  EXPECT_FALSE(rig().open_inodes().is_open(kTheirs));
}

TEST_F(AdoptionTest, OTruncEmptiesTheirs) {
  create(kReadWrite | model::kOpenTruncate);
  other_creates("1", "name", theirs(50));
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(stats().adopted, 1u);
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(stored(kTheirs)->length, 0u);
}

TEST_F(AdoptionTest, WithoutOTruncTheirContentStays) {
  create(kReadWrite);
  other_creates("1", "name", theirs(50));
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(stored(kTheirs)->length, 50u);
}

TEST_F(AdoptionTest, ItsNameIsMoved) {
  create(kReadWrite);
  ASSERT_EQ(rig().rename(kRoot, "name", kRoot, "moved"), 0);
  ASSERT_EQ(rig().apply(model::LinkArgs{{}, Clock().now(), kOurs, kRoot, "again"}), 0);
  other_creates("1", "name", theirs());
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(entry("name"), 0u);
  EXPECT_EQ(entry("moved"), kTheirs);
  EXPECT_EQ(entry("again"), kTheirs);
  EXPECT_EQ(stored(kTheirs)->nlink, 2u);
}

TEST_F(AdoptionTest, RemovedWhileOpenItLivesUntilTheLastClose) {
  create(kReadWrite);
  ASSERT_EQ(rig().apply(model::Unlink{{{}, Clock().now(), kRoot, "name", 0}}), 0);
  ASSERT_TRUE(rig().open_inodes().sustain(kOurs));
  other_creates("1", "name", theirs());
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(stats().adopted, 1u);
  EXPECT_EQ(entry("name"), 0u);
  ASSERT_TRUE(stored(kTheirs)) << "it is open here";
  EXPECT_EQ(stored(kTheirs)->nlink, 0u);
  EXPECT_EQ(number("SISMEMBER session1 9000"), 1);
  EXPECT_TRUE(rig().open_inodes().closed(kOurs).sustained);
  ASSERT_EQ(rig().apply(model::LastCloseArgs{Clock().now(), kOurs}), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_FALSE(stored(kTheirs));
}

TEST_F(AdoptionTest, ItSurvivesAStart) {
  create(kReadWrite);
  ASSERT_EQ(write(kOurs, 7, false), 0);
  other_creates("1", "name", theirs());
  ASSERT_TRUE(restarted().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(stored(kTheirs)->length, 100u);
}

struct Refusal {
  const char* what;
  uint8_t open_for;
  uint32_t uid;
  Attr attr;
};

class NoAdoptionTest : public AdoptionTest, public ::testing::WithParamInterface<int> {
 public:
  static Refusal of(int i) {
    Attr locked = theirs();
    locked.uid = locked.gid = 5;
    locked.perm = 0640;
    Attr frozen = theirs();
    frozen.flags = model::kImmutable;
    Attr folder = theirs();
    folder.type = FileType::kDirectory;
    Attr pipe = theirs();
    pipe.type = FileType::kFifo;
    Attr append = theirs();
    append.flags = model::kAppendOnly;
    const Refusal all[] = {{"O_EXCL", 0, 0, theirs()},
                           {"the mode", kReadWrite, 7, locked},
                           {"immutable", kReadWrite, 0, frozen},
                           {"append only", kReadWrite, 0, append},
                           {"a folder", kReadWrite, 0, folder},
                           {"a pipe", kReadWrite, 0, pipe}};
    return all[i];
  }
};

TEST_P(NoAdoptionTest, IsAConflict) {
  const Refusal refusal = of(GetParam());
  SCOPED_TRACE(refusal.what);
  create(refusal.open_for, refusal.uid);
  other_creates("1", "name", refusal.attr);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(stats().adopted, 0u);
  EXPECT_EQ(journal().size(), 1u);
  EXPECT_EQ(rig().open_inodes().number(kOurs), kOurs);
}

INSTANTIATE_TEST_SUITE_P(All, NoAdoptionTest, ::testing::Range(0, 6));

TEST_F(AdoptionTest, AGroupOfTheCallerIsEnough) {
  Attr attr = theirs();
  attr.uid = 5;
  attr.gid = 7;
  attr.perm = 0060;
  create(kReadWrite, 7);
  other_creates("1", "name", attr);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(stats().adopted, 1u);
}

}  // namespace
}  // namespace fastmeta::test
