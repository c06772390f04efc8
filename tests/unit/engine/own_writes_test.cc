// SPDX-License-Identifier: GPL-3.0-or-later
// Mode passthrough remembers what it has written itself, and never longer than it is true.
#include <nlohmann/json.hpp>

#include <random>
#include <thread>

#include "model/schema/codec.h"
#include "unit/engine/volume_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;
using model::kRootIno;
using std::chrono::milliseconds;

Result<engine::EntryReply> chmod(Mounted& on, Ino ino, uint16_t mode) {
  model::SetattrArgs change;
  change.ino = ino;
  change.mode = mode;
  return on->setattr(change);
}

uint64_t counted(Mounted& on, const char* what) {
  return nlohmann::json::parse(on->stats_json())["transactions"][what].get<uint64_t>();
}

class OwnWrites : public VolumeTest {
 protected:
  // Round trips to the server, those of transactions and of reads.
  template <typename Work>
  uint64_t round_trips(Mounted& of, Work&& work) {
    const uint64_t before = counted(of, "round_trips");
    work();
    return counted(of, "round_trips") - before;
  }
};

TEST_F(OwnWrites, AreAnsweredFromMemory) {
  Mounted a(server.url());
  const Ino d = a.dir(kRootIno, "d"), f = a.make(d, "f"), g = a.make(d, "g");
  ASSERT_TRUE(chmod(a, f, 0600));
  ASSERT_TRUE(a->rename({}, d, "f", d, "moved", 0));
  ASSERT_TRUE(a->unlink({}, d, "g"));
  model::SetXattrArgs xattr;
  xattr.ino = f;
  xattr.name = "user.k";
  xattr.value = "v";
  ASSERT_TRUE(a->setxattr(xattr));
  a.make(d, "link", FileType::kSymlink);
  std::this_thread::sleep_for(milliseconds(20));  // an invalidation would be here by now
  EXPECT_EQ(0u, round_trips(a, [&] {
    EXPECT_EQ(a.find(kRootIno, "d"), static_cast<int64_t>(d));
    EXPECT_EQ(a.find(d, "moved"), static_cast<int64_t>(f));
    EXPECT_EQ(a.find(d, "f"), 0);
    EXPECT_EQ(a.find(d, "g"), 0);
    EXPECT_EQ(a.find(d, "never there"), 0);
    EXPECT_EQ(a->getattr(f)->attr.perm, 0600);
    EXPECT_EQ(a->getattr(d)->attr.nlink, 2u);
    EXPECT_EQ(*a->getxattr(f, "user.k"), "v");
  }));
  EXPECT_FALSE(a.host.saw("names", d));
  EXPECT_FALSE(a.host.saw("attr", f));
  EXPECT_GT(g, f);
}

TEST_F(OwnWrites, TakeTwoRoundTripsInADirectoryOfOurs) {
  Mounted a(server.url());
  const Ino d = a.dir(kRootIno, "d");
  for (int i = 0; i < 3; ++i) {
    const std::string name = "n" + std::to_string(i);
    EXPECT_EQ(2u, round_trips(a, [&] {
      EXPECT_EQ(a.find(d, name), 0);
      EXPECT_GT(a.make(d, name), 0u);
      EXPECT_EQ(a->getattr(d)->attr.nlink, 2u);
    }));
  }
  EXPECT_EQ(2u, round_trips(a, [&] { EXPECT_GT(a.dir(d, "sub"), 0u); }));
}

TEST_F(OwnWrites, OfANewNameFollowTheLookupOfItsDirectoryInTwoRoundTrips) {
  Mounted a(server.url()), b(server.url());
  const Ino d = b.dir(kRootIno, "d");
  b.make(d, "there");
  // An answer comes after what was on its way before it: b's changes cancel no fill below.
  EXPECT_EQ(a.find(kRootIno, "not there"), 0);
  // The directory's entries came with its own.
  EXPECT_EQ(1u, round_trips(a, [&] { EXPECT_EQ(a.find(kRootIno, "d"), static_cast<int64_t>(d)); }));
  EXPECT_EQ(2u, round_trips(a, [&] {
    EXPECT_EQ(a.find(d, "new"), 0);
    EXPECT_GT(a.make(d, "new"), 0u);
  }));
  b.make(d, "later");
  EXPECT_TRUE(soon([&] { return a.find(d, "later") != 0; }));
}

TEST_F(OwnWrites, AreInTheListingThatIsRemembered) {
  Mounted a(server.url());
  const Ino d = a.dir(kRootIno, "d");
  auto names = [&] {
    std::set<std::string> found;
    auto dir = a->opendir(d);
    auto page = (*dir)->page(0, 100, false);
    for (const auto& item : *page) found.emplace(item.name);
    return found;
  };
  EXPECT_EQ(names(), std::set<std::string>());
  for (const char* name : {"a", "b", "c"}) a.make(d, name);
  auto reader = a->opendir(d);
  ASSERT_EQ((*reader)->page(0, 100, false)->size(), 3u);
  ASSERT_TRUE(a->unlink({}, d, "b"));
  EXPECT_EQ((*reader)->page(1, 100, false)->size(), 2u) << "positions stay while it is open";
  EXPECT_EQ(names(), (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(a->getattr(kRootIno)->attr.nlink, 3u);
  ASSERT_FALSE(a->rmdir({}, kRootIno, "d"));
  ASSERT_TRUE(a->unlink({}, d, "a") && a->unlink({}, d, "c"));
  EXPECT_TRUE(a->rmdir({}, kRootIno, "d"));
}

// A rule that refuses leaves its keys watched on the connection that all share.
TEST_F(OwnWrites, AreNotDisturbedByWhatARefusedOneHasWatched) {
  Mounted a(server.url()), b(server.url());
  const Ino d = a.dir(kRootIno, "d"), f = a.make(kRootIno, "f");
  engine::Volume::NewNode node;
  node.parent = kRootIno;
  node.name = "d";
  for (int i = 0; i < 20; ++i) {
    ASSERT_FALSE(a->make(node));
    ASSERT_TRUE(chmod(b, kRootIno, static_cast<uint16_t>(0700 + i % 2)));
    ASSERT_TRUE(chmod(a, f, static_cast<uint16_t>(0600 + i % 2)));
  }
  EXPECT_EQ(counted(a, "lost_races"), 0u);
  EXPECT_GT(d, 0u);
}

// I5: whatever other threads and clients do at the same moment, what is remembered once all
// is quiet is what the server holds.
TEST_F(OwnWrites, NeverHideTheLaterChangeOfAnotherClient) {
  Mounted a(server.url()), b(server.url());
  const Ino d = a.dir(kRootIno, "d");
  std::vector<Ino> files;
  for (int i = 0; i < 3; ++i) files.push_back(a.make(d, "f" + std::to_string(i)));
  auto work = [&](Mounted& on, unsigned seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < 12; ++i) {
      const Ino f = files[random() % files.size()];
      const std::string name = "n" + std::to_string(random() % 3);
      switch (random() % 5) {
        case 0: static_cast<void>(chmod(on, f, static_cast<uint16_t>(random() % 0777))); break;
        case 1: static_cast<void>(on->unlink({}, d, name)); break;
        case 2: static_cast<void>(on->link({}, f, d, name)); break;
        case 3: static_cast<void>(on->lookup(d, name)); break;
        default: static_cast<void>(on->getattr(f));
      }
    }
  };
  const unsigned base = std::random_device{}();
  SCOPED_TRACE(base);
  for (unsigned round = 0; round < 60; ++round) {
    const unsigned seed = base + 4 * round;
    std::vector<std::thread> threads;  // two of one client: one of them is on the pool
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] { work(t < 2 ? a : b, seed + t); });
    for (auto& thread : threads) thread.join();

    Mounted c(server.url());
    for (Mounted* client : {&a, &b}) {
      for (const Ino f : files) {
        const model::Attr truth = c->getattr(f)->attr;
        EXPECT_TRUE(soon([&] {
          const model::Attr seen = (*client)->getattr(f)->attr;
          return seen.perm == truth.perm && seen.nlink == truth.nlink;
        })) << "inode " << f << ", round " << round;
      }
      for (int n = 0; n < 3; ++n) {
        const std::string name = "n" + std::to_string(n);
        const int64_t truth = c.find(d, name);
        EXPECT_TRUE(soon([&] { return client->find(d, name) == truth; })) << name << round;
      }
    }
    if (HasFailure()) return;
  }
}

class OwnTrash : public VolumeTest {
 protected:
  OwnTrash() : VolumeTest(1) {}
};

// The hour's key is written without being watched: a change of another client right before
// ours may go untold.
TEST_F(OwnTrash, TellsTheKernelOfKeysThatWereNotWatched) {
  Mounted a(server.url());
  a.make(kRootIno, "f");
  a.make(kRootIno, "g");
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  std::this_thread::sleep_for(milliseconds(20));
  a.host.forget();
  ASSERT_TRUE(a->unlink({}, kRootIno, "g"));
  EXPECT_TRUE(a.host.saw("names", model::kTrashIno + 1));
  EXPECT_FALSE(a.host.saw("names", kRootIno));
}

}  // namespace
}  // namespace fastmeta::test
