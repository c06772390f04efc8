// SPDX-License-Identifier: GPL-3.0-or-later
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "unit/engine/volume_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;
using model::kRootIno;
using std::chrono::milliseconds;

class Volumes : public VolumeTest {};

TEST_F(Volumes, AStartThatFailsHalfWayLeavesNothingBehind) {
  ASSERT_EQ(server.ask("CONFIG SET maxmemory 1"), "+OK\r\n");
  std::string cache = ::testing::TempDir() + "fastmeta-half-way-XXXXXX";
  ASSERT_TRUE(mkdtemp(cache.data()));
  for (const char* mode : {"mode=passthrough", "mode=fast-meta"}) {
    RecordingHost host;
    auto volume = engine::Volume::open(config_for(server.url(), {mode, "cache.dir=" + cache}), {},
                                       host, Log());
    ASSERT_TRUE(volume) << volume.error().text;
    auto started = (*volume)->start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().text.find("OOM"), std::string::npos) << started.error().text;
  }
  std::filesystem::remove_all(cache);
}

TEST_F(Volumes, AnswerWhatTheyWereTold) {
  Mounted a(server.url());
  const Ino d = a.dir(kRootIno, "d");
  const Ino f = a.make(d, "f");
  EXPECT_EQ(a.find(kRootIno, "d"), static_cast<int64_t>(d));
  EXPECT_EQ(a.find(d, "f"), static_cast<int64_t>(f));
  EXPECT_EQ(a.find(d, "absent"), 0);
  auto attr = a->getattr(d);
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->attr.nlink, 2u);
  EXPECT_GT(attr->attr_valid.count(), 0);
}

TEST_F(Volumes, SeeEachOthersChangesAtOnce) {
  Mounted a(server.url()), b(server.url());
  for (int i = 0; i < 50; ++i) {
    const std::string name = "n" + std::to_string(i);
    EXPECT_EQ(b.find(kRootIno, name), 0);  // remembered as absent
    const Ino ino = a.make(kRootIno, name);
    EXPECT_TRUE(soon([&] { return b.find(kRootIno, name) == static_cast<int64_t>(ino); }));
    ASSERT_TRUE(a->unlink({}, kRootIno, name));
    EXPECT_EQ(a.find(kRootIno, name), 0);
    EXPECT_TRUE(soon([&] { return b.find(kRootIno, name) == 0; }));
  }
  EXPECT_TRUE(soon([&] { return b.host.saw("names", kRootIno); }));
}

// The first invalidation of a new inode is our own; every later one is not.
TEST_F(Volumes, RememberWhatTheyCreatedUntilAnotherClientChangesIt) {
  Mounted a(server.url()), b(server.url());
  for (int i = 0; i < 100; ++i) {
    const Ino ino = a.make(kRootIno, "n" + std::to_string(i));
    EXPECT_EQ(a->getattr(ino)->attr.perm, 0755);
    EXPECT_FALSE(a.host.saw("attr", ino));
    model::SetattrArgs change;
    change.ino = ino;
    change.mode = 0600;
    ASSERT_TRUE(b->setattr(change));
    EXPECT_TRUE(soon([&] { return a->getattr(ino)->attr.perm == 0600; }));
    EXPECT_TRUE(a.host.saw("attr", ino));
  }
}

TEST_F(Volumes, CountExactlyUnderContention) {
  Mounted a(server.url()), b(server.url());
  const Ino d = a.dir(kRootIno, "d");
  std::vector<std::thread> threads;
  std::atomic<int> exists{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Mounted& mine = t % 2 ? a : b;
      for (int i = 0; i < 60; ++i) {
        mine.make(d, "own" + std::to_string(t) + "." + std::to_string(i), FileType::kDirectory);
        engine::Volume::NewNode shared;
        shared.parent = d;
        shared.name = "shared" + std::to_string(i);
        shared.mode = 0700;
        shared.type = FileType::kDirectory;
        auto made = mine->make(shared);
        if (!made) {
          EXPECT_EQ(made.error().code, EEXIST);
          ++exists;
        }
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(exists, 3 * 60);
  EXPECT_EQ(number("HLEN d" + std::to_string(d)), 300);
  EXPECT_EQ(number("GET totalInodes"), 301);
  EXPECT_EQ(number("GET usedSpace"), 301 * 4096);
  ASSERT_TRUE(soon([&] { return a->getattr(d)->attr.nlink == 302; }));
}

TEST_F(Volumes, KeepAnUnlinkedFileUntilItsLastClose) {
  Mounted a(server.url());
  const Ino f = a.make(kRootIno, "f");
  model::OpenArgs how;
  how.ino = f;
  ASSERT_TRUE(a->open_file(how));
  ASSERT_TRUE(a->open_file(how));
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  EXPECT_EQ(a->getattr(f)->attr.nlink, 0u);
  EXPECT_EQ(number("SCARD session1"), 1);
  a->close_file(f);
  EXPECT_EQ(number("EXISTS i" + std::to_string(f)), 1);
  a->close_file(f);
  EXPECT_EQ(number("EXISTS i" + std::to_string(f)), 0);
  EXPECT_EQ(number("SCARD session1"), 0);
  EXPECT_TRUE(soon([&] { return number("ZCARD delfiles") == 0; }));
}

TEST_F(Volumes, DeleteTheDataOfWhatTheyRemoved) {
  Mounted a(server.url());
  const Ino f = a.make(kRootIno, "f");
  auto slice = a->new_slice();
  ASSERT_TRUE(slice);
  model::WriteSliceArgs write;
  write.ino = f;
  write.mtime = {1, 2};
  write.slice = {0, *slice, 100, 0, 100};
  auto attr = a->write_slice(write);
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->length, 100u);
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  EXPECT_TRUE(soon([&] {
    std::lock_guard lock(a.host.mutex);
    return a.host.deleted.contains(*slice);
  }));
  EXPECT_TRUE(soon([&] { return number("EXISTS c" + std::to_string(f) + "_0") == 0; }));
  EXPECT_TRUE(soon([&] { return number("HLEN sliceRef") == 0; }));
  EXPECT_EQ(number("GET totalInodes"), 0);
}

TEST_F(Volumes, AnswerLookAtAnOpenFileThatAnotherClientRemoved) {
  Mounted a(server.url()), b(server.url());
  const Ino f = a.make(kRootIno, "f");
  model::OpenArgs how;
  how.ino = f;
  ASSERT_TRUE(a->open_file(how));
  ASSERT_TRUE(b->unlink({}, kRootIno, "f"));
  ASSERT_TRUE(soon([&] { return a->getattr(f) && a->getattr(f)->attr.nlink == 0; }));
  a->close_file(f);
  auto gone = a->open_file(how);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ESTALE);
}

TEST_F(Volumes, PageThroughADirectoryWithPositionsThatStay) {
  Mounted a(server.url());
  const Ino d = a.dir(kRootIno, "d");
  std::set<std::string> names;
  for (int i = 0; i < 700; ++i) {
    names.insert("n" + std::to_string(i));
    a.make(d, "n" + std::to_string(i));
  }
  for (const bool cached : {false, true}) {
    auto dir = a->opendir(d);
    ASSERT_TRUE(dir) << cached;
    std::set<std::string> seen;
    std::vector<std::string> order;
    for (uint64_t at = 0;;) {
      auto page = (*dir)->page(at, 64, true);
      ASSERT_TRUE(page);
      for (const auto& item : *page) {
        EXPECT_TRUE(seen.insert(std::string(item.name)).second);
        EXPECT_TRUE(item.attr);
        order.emplace_back(item.name);
      }
      if (page->empty()) break;
      at += page->size();
    }
    EXPECT_EQ(seen, names);
    ASSERT_TRUE(a->unlink({}, d, order[10]));
    auto again = (*dir)->page(300, 1, false);
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)[0].name, order[300]);
    a.make(d, order[10]);
  }
}

TEST_F(Volumes, RefuseToMoveADirectoryUnderItself) {
  Mounted a(server.url());
  const Ino x = a.dir(kRootIno, "x"), y = a.dir(x, "y"), z = a.dir(y, "z");
  auto moved = a->rename({}, kRootIno, "x", z, "x", 0);
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().code, 0);
  EXPECT_EQ(a.find(kRootIno, "x"), static_cast<int64_t>(x));
}

TEST_F(Volumes, RefuseMutationsOnceTheServerIsKnownToBeGone) {
  Mounted a(server.url(), {"meta.deadline=3s", "meta.backoff-max=100ms"});
  a.make(kRootIno, "before");
  server.kill();
  ASSERT_TRUE(soon([&] { return a->health().state == engine::State::kReadOnly; }));
  engine::Volume::NewNode node;
  node.parent = kRootIno;
  node.name = "during";
  auto refused = a->make(node);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EROFS);
  auto read = a->getattr(kRootIno);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, EIO);
  EXPECT_GT(a.host.all, 0);
  server.start();  // empty: what it held is lost
  EXPECT_TRUE(soon([&] { return a->health().state == engine::State::kFailed; }));
}

TEST_F(Volumes, StopServingWhenTheDatabaseHoldsAnotherVolume) {
  Mounted a(server.url(), {"session.heartbeat=1s"});
  ASSERT_TRUE(engine::format_volume(config_for(server.url()), settings_json(0), true, Log()));
  EXPECT_TRUE(soon([&] { return a->health().state == engine::State::kFailed; }));
}

// I10: a server that lost its last second may have given our number away.
TEST_F(Volumes, SkipANumberThatIsInUse) {
  Mounted a(server.url());
  const Ino first = a.make(kRootIno, "first");
  server.ask("COPY i1 i" + std::to_string(first + 1));
  EXPECT_EQ(a.make(kRootIno, "second"), first + 2);
  EXPECT_EQ(number("STRLEN i" + std::to_string(first + 1)), 72);
}

TEST_F(Volumes, RaiseACounterThatWentBack) {
  Mounted a(server.url(), {"meta.backoff-max=100ms"});
  a.make(kRootIno, "first");
  const int64_t leased = number("GET nextinode");
  server.ask("SET nextinode 3");
  server.ask("CLIENT KILL TYPE normal");
  EXPECT_TRUE(soon([&] { return number("GET nextinode") >= leased; }));
}

TEST_F(Volumes, AreNotWrittenWhileADirectoryHasAQuota) {
  const std::string limited = "\"\\x00\\x00\\x00\\x00\\x00\\x00\\x10\\x00" +
                              std::string("\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\"");
  const std::string none = "\"\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff" +
                           std::string("\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\"");
  server.ask("HSET dirQuota 1 " + none);
  Mounted a(server.url(), {"session.heartbeat=1s"});
  a.make(kRootIno, "before");
  server.ask("HSET dirQuota 1 " + limited);
  EXPECT_TRUE(soon([&] { return a->health().state == engine::State::kReadOnly; }));
  EXPECT_NE(a->health().reason.find("dirQuota"), std::string::npos);
  RecordingHost host;
  auto refused = engine::Volume::open(config_for(server.url()), {}, host, Log());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("dirQuota"), std::string::npos);
  server.ask("HSET dirQuota 1 " + none);
  EXPECT_TRUE(soon([&] { return a->health().state == engine::State::kWritable; }));
}

TEST_F(Volumes, LeaveNoSessionBehind) {
  {
    Mounted a(server.url());
    EXPECT_EQ(number("ZCARD allSessions"), 1);
  }
  EXPECT_EQ(number("ZCARD allSessions"), 0);
  EXPECT_EQ(number("HLEN sessionInfos"), 0);
}

// Others took it for dead; an unlink of that moment came under its number all the same.
TEST_F(Volumes, TakeOverWhatTheirFormerSessionKeeps) {
  Mounted a(server.url(), {"session.heartbeat=1s"});
  const Ino f = a.make(kRootIno, "f"), named = a.make(kRootIno, "named");
  model::OpenArgs how;
  how.ino = f;
  ASSERT_TRUE(a->open_file(how));
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  server.ask("SADD session1 " + std::to_string(named));  // it is no cleaner's to remove
  ASSERT_TRUE(a->flock({}, named, 7, model::LockType::kWrite, false, {}));
  server.ask("HDEL sessionInfos 1");
  server.ask("ZREM allSessions 1");
  EXPECT_TRUE(soon([&] { return number("EXISTS session1") == 0; }));
  EXPECT_EQ(number("EXISTS lockf" + std::to_string(named)), 0) << "nobody could ever have it";
  EXPECT_EQ(number("SISMEMBER session2 " + std::to_string(f)), 1);
  EXPECT_EQ(number("SCARD session2"), 1);
  EXPECT_EQ(number("EXISTS i" + std::to_string(named)), 1);
  a->close_file(f);
  EXPECT_EQ(number("SCARD session2"), 0);
}

TEST_F(Volumes, CleanUpAfterSessionsThatDied) {
  server.ask("ZADD allSessions 5 77");
  server.ask("HSET sessionInfos 77 {}");
  server.ask("HSET lockf9 77_0000000000000001 W");
  server.ask("SADD locked77 lockf9");
  Mounted a(server.url(), {"session.heartbeat=1s"});
  EXPECT_TRUE(soon([&] { return number("HLEN lockf9") == 0 && number("ZCARD allSessions") == 1; }));
}

TEST_F(Volumes, DoNotTakeStatisticsForMadeOfWhichOnlySomeWereSet) {
  auto client = engine::connect_client(config_for(server.url()), Log());
  ASSERT_TRUE(client);
  const model::KeySpace keys("");
  engine::DirStats stats(**client, keys, Log());
  server.ask("SET dirDataLength oops");
  const auto made = stats.ensure(kRootIno);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text.find("WRONGTYPE"), std::string::npos) << made.error().text;
}

TEST_F(Volumes, ShareLocks) {
  Mounted a(server.url()), b(server.url());
  const Ino f = a.make(kRootIno, "f");
  ASSERT_TRUE(a->flock({}, f, 1, model::LockType::kWrite, false, {}));
  auto refused = b->flock({}, f, 1, model::LockType::kWrite, false, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EAGAIN);
  std::atomic<bool> got{false};
  std::thread waiter([&] {
    EXPECT_TRUE(b->flock({}, f, 1, model::LockType::kWrite, true, {}));
    got = true;
  });
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_FALSE(got);
  ASSERT_TRUE(a->flock({}, f, 1, model::LockType::kNone, false, {}));
  waiter.join();
  int asked = 0;
  auto interrupted =
      a->flock({}, f, 1, model::LockType::kRead, true, {[&] { return ++asked > 3; }});
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, EINTR);
}

TEST_F(Volumes, NameTheKeyOfBytesThatBreakTheSchema) {
  Mounted a(server.url());
  const Ino f = a.make(kRootIno, "f");
  server.ask("SET i" + std::to_string(f) + " short");
  std::string text;
  ASSERT_TRUE(soon([&] {
    auto attr = a->getattr(f);
    if (!attr) text = attr.error().text;
    return !attr;
  }));
  EXPECT_NE(text.find("i" + std::to_string(f)), std::string::npos) << text;
  EXPECT_GT(a.make(kRootIno, "other"), 0u);
}

class TrashVolumes : public VolumeTest {
 protected:
  TrashVolumes() : VolumeTest(1) {}
};

TEST_F(TrashVolumes, MoveWhatIsRemovedIntoTheHour) {
  Mounted a(server.url());
  const Ino f = a.make(kRootIno, "f");
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  EXPECT_EQ(number("HLEN d" + std::to_string(model::kTrashIno)), 1);
  EXPECT_EQ(number("HLEN d" + std::to_string(model::kTrashIno + 1)), 1);
  EXPECT_EQ(a->getattr(f)->attr.parent, model::kTrashIno + 1);
  EXPECT_EQ(number("GET totalInodes"), 2);
}

TEST_F(TrashVolumes, TellTheKernelOfTheNameThatCame) {
  Mounted a(server.url(), {"mode=fast-meta", "cache.dir=" + ::testing::TempDir() + "trashed"});
  a.make(kRootIno, "f");
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  EXPECT_TRUE(a.host.saw("names", a->getattr(2)->attr.parent));
}

// The hour that takes what was removed is known when the server has it.
TEST_F(TrashVolumes, GiveBackOnlyWhatTheServerHas) {
  Mounted a(server.url(), {"mode=fast-meta", "cache.dir=" + ::testing::TempDir() + "restored"});
  const Ino f = a.make(kRootIno, "f");
  ASSERT_TRUE(a->unlink({}, kRootIno, "f"));
  const std::string name = "1-" + std::to_string(f) + "-f";
  const auto done = a->rename({}, model::kTrashIno + 1, name, kRootIno, "again", 0);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(number("HEXISTS d1 again"), 1);
  EXPECT_EQ(a.find(kRootIno, "again"), static_cast<int64_t>(f));
}

TEST_F(VolumeTest, FormatRefusesWhatIsThere) {
  auto again = engine::format_volume(config_for(server.url()), settings_json(0), false, Log());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, EEXIST);
  EXPECT_NE(again.error().text.find("tested"), std::string::npos);
  server.ask("SET somebody-elses 1");
  server.ask("SET i99 x");
  ASSERT_TRUE(engine::format_volume(config_for(server.url()), settings_json(0), true, Log()));
  EXPECT_EQ(number("EXISTS i99"), 0);
  EXPECT_EQ(number("EXISTS somebody-elses"), 1);
}

}  // namespace
}  // namespace fastmeta::test
