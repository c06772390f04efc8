// SPDX-License-Identifier: GPL-3.0-or-later
// The reintegration against a real server: batches, races, lost replies, conflicts, a
// server that went back.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/fault_proxy.h"
#include "unit/engine/sync_fixture.h"

namespace fastmeta::test {
namespace {

using model::FileType;
using model::Ino;
using store::Table;

TEST_F(Sync, CreatesReachTheServerOnceAndStayKnown) {
  for (Ino i = 0; i < 100; ++i)
    ASSERT_EQ(rig().create(kRoot, "f" + std::to_string(i), 100 + i), 0);
  EXPECT_EQ(number("HLEN d1"), 0);
  EXPECT_EQ(rig().rows(Table::kOplog), 100u);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("HLEN d1"), 100);
  EXPECT_EQ(number("GET totalInodes"), 100);
  EXPECT_EQ(number("GET usedSpace"), 100 * 4096);
  EXPECT_EQ(rig().rows(Table::kOplog), 0u);
  EXPECT_EQ(rig().rows(Table::kApplied), 100u);
  EXPECT_EQ(rig().effects.used_inodes, 100);
  const auto fetches = rig().mirror.stats().fetches;
  for (Ino i = 0; i < 100; ++i) EXPECT_EQ(rig().find(kRoot, "f" + std::to_string(i)), 100 + i);
  EXPECT_EQ(rig().mirror.stats().fetches, fetches) << "what we created turned cold";
}

TEST_F(Sync, ManyBatchesKeepTheOrder) {
  auto small = config(server.url());
  small.sync.batch_commands = 64;
  rig_ = std::make_unique<SyncRig>(small, host, tables);
  ASSERT_EQ(rig().create(kRoot, "d", 50, FileType::kDirectory), 0);
  for (Ino i = 0; i < 200; ++i)
    ASSERT_EQ(rig().create(50, "f" + std::to_string(i), 100 + i), 0);
  for (Ino i = 0; i < 200; i += 2) {
    ASSERT_EQ(rig().rename(50, "f" + std::to_string(i), kRoot, "g" + std::to_string(i)), 0);
  }
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_GT(rig().sync->stats().batches, 5u);
  EXPECT_EQ(number("HLEN d50"), 100);
  EXPECT_EQ(number("HLEN d1"), 101);
  EXPECT_EQ(number("GET totalInodes"), 201);
  EXPECT_EQ(rig().sync->stats().conflicts, 0u);
}

TEST_F(Sync, AWriteOfAnotherClientInBetweenIsNoConflict) {
  ASSERT_EQ(rig().create(kRoot, "ours", 100), 0);
  bool once = true;
  rig().before_send = [&] {
    if (std::exchange(once, false)) other_creates("1", "theirs");
  };
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_GE(rig().sync->stats().nils, 1u);
  EXPECT_EQ(number("HLEN d1"), 2);
  EXPECT_EQ(number("GET totalInodes"), 1);
  EXPECT_EQ(rig().find(kRoot, "theirs"), 9000u);
  EXPECT_TRUE(journal().empty());
}

// Its merging of the slices would otherwise hide behind our own change (NOLOOP).
TEST_F(Sync, AListThatIsOnlyAppendedToIsWatched) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, false), 0);
  rig().before_send = [&, done = false]() mutable {
    if (!std::exchange(done, true))
      on_server({{"RPUSH", "c100_0", model::encode_slice({0, 9, 10, 0, 10})}});
  };
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("LLEN c100_0"), 2);
  EXPECT_EQ(rig().sync->stats().nils, 1u);
}

// A copy of the cache directory, or a later start, that sends at the same time.
TEST_F(Sync, WhoeverElseSendsUnderOurNameMakesTheBatchFail) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  rig().before_send = [&] { server.ask("SET fastmeta:client:c1 another"); };
  EXPECT_FALSE(rig().drain());
  EXPECT_NE(rig().refused, "");
  EXPECT_EQ(number("HEXISTS d1 f"), 0);
}

TEST_F(Sync, AgainstABusyNeighbourTheScriptGetsThrough) {
  ASSERT_EQ(rig().create(kRoot, "d", 50, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(50, "f", 100), 0);
  int n = 0;
  rig().before_send = [&] { other_creates("1", "theirs" + std::to_string(n++)); };
  ASSERT_TRUE(rig().drain(50)) << rig().last_error;
  EXPECT_GE(rig().sync->stats().nils, 3u);
  EXPECT_GE(rig().sync->stats().scripts, 1u);
  EXPECT_EQ(number("HEXISTS d1 d"), 1);
  EXPECT_EQ(number("HLEN d50"), 1);
  EXPECT_EQ(number("GET totalInodes"), 2);
  const std::string root = server.ask("GET i1");
  auto attr = model::decode_attr(std::string_view(root).substr(root.find("\r\n") + 2));
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->nlink, 3u);
}

TEST_F(Sync, AnErrorInsideAScriptLatchesToo) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  server.ask("DEL usedSpace");
  server.ask("RPUSH usedSpace x");
  int n = 0;
  rig().before_send = [&] { other_creates("1", "theirs" + std::to_string(n++)); };
  for (int i = 0; i < 20 && rig().refused.empty(); ++i) rig().step();
  EXPECT_GE(rig().sync->stats().scripts, 1u);
  EXPECT_NE(rig().refused.find("usedSpace"), std::string::npos) << rig().refused;
  EXPECT_EQ(number("HEXISTS d1 f"), 1);
  EXPECT_EQ(rig().rows(Table::kOplog), 0u) << "the cursor says that it is applied";
}

TEST_F(Sync, WithoutScriptsItGoesOnTrying) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  server.ask("ACL SETUSER default -eval");
  int n = 0;
  rig().before_send = [&] {
    if (n < 8) other_creates("1", "theirs" + std::to_string(n++));
  };
  ASSERT_TRUE(rig().drain(100)) << rig().last_error;
  EXPECT_EQ(number("HEXISTS d1 f"), 1);
  EXPECT_TRUE(journal().empty()) << "a refused command is no conflict";
}

TEST_F(Sync, ALostReplyToExecIsSettledByTheCursor) {
  FaultProxy proxy(server.port());
  rig_ = std::make_unique<SyncRig>(config(proxy.url()), host, tables);
  for (Ino i = 0; i < 20; ++i)
    ASSERT_EQ(rig().create(kRoot, "f" + std::to_string(i), 100 + i), 0);
  proxy.cut_reply_to("EXEC");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(proxy.cuts(), 1u);
  EXPECT_EQ(number("HLEN d1"), 20);
  EXPECT_EQ(number("GET totalInodes"), 20) << "applied twice";
  EXPECT_EQ(rig().rows(Table::kApplied), 20u);
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(rig().find(kRoot, "f7"), 107u);
}

TEST_F(Sync, WhatTheCursorConfirmsIsNotSentAgainWhenTheStoreHasNoRoomToSettleIt) {
  FaultProxy proxy(server.port());
  rig_ = std::make_unique<SyncRig>(config(proxy.url()), host, tables);
  ASSERT_EQ(rig().create(kRoot, "a", 100), 0);
  proxy.cut_reply_to("EXEC");
  for (int i = 0; i < 100 && proxy.cuts() == 0; ++i) rig().step();
  ASSERT_EQ(proxy.cuts(), 1u);
  tables.fail(MemoryTables::Where::kCommit, 1, {Fault::kLocalStore, ENOSPC, "no room"});
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(tables.fired());
  EXPECT_TRUE(journal().empty()) << journal()[0].reason;
  EXPECT_EQ(number("GET totalInodes"), 1);
}

// A process that died may have left a batch on its way; what its successor finds unsent it may
// cancel, undo or send again.
TEST_F(Sync, WhatAnEarlierStartHasSentTakesNoEffectOnceItsSuccessorHasLooked) {
  ASSERT_EQ(rig().create(kRoot, "a", 100), 0);
  ASSERT_TRUE(rig().drain());
  rig_.reset();
  const auto config = this->config(server.url());
  auto other = engine::connect_client(config, Log());
  ASSERT_TRUE(other);
  const Deadline deadline = deadline_in(std::chrono::seconds(5));
  auto old = (*other)->lease(deadline);
  ASSERT_TRUE(old);
  const std::string key = "fastmeta:client:c1";
  ASSERT_TRUE(old->roundtrip(std::vector<redis::Command>{{"WATCH", key}, {"MULTI"},
                                                         {"SET", "i100", "late"}}, deadline));
  restarted();  // compares
  auto late = old->roundtrip(std::vector<redis::Command>{{"EXEC"}}, deadline);
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->back().nil()) << "the late transaction took effect";
  ASSERT_EQ(rig().create(kRoot, "b", 101), 0);
  ASSERT_TRUE(rig().drain());
  EXPECT_EQ(number("HLEN d1"), 2);
}

TEST_F(Sync, AServerThatOnlyStalledLeavesNoStaleRows) {
  FaultProxy proxy(server.port());
  auto patient = config(proxy.url());
  patient.meta.deadline = std::chrono::milliseconds(300);
  patient.meta.ping_timeout = std::chrono::milliseconds(60'000);
  rig_ = std::make_unique<SyncRig>(patient, host, tables);
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  model::SetattrArgs chmod;
  chmod.now = Clock().now();
  chmod.ino = 100;
  chmod.mode = 0600;
  ASSERT_EQ(rig().apply(chmod), 0);
  bool once = true;
  rig().before_send = [&] {
    if (std::exchange(once, false)) proxy.delay(std::chrono::milliseconds(400));
  };
  for (int i = 0; i < 5 && once; ++i) rig().step();
  proxy.delay(std::chrono::milliseconds(0));
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  auto attr = rig().executor.read_reply<model::Attr>(
      [](const model::View& seen) { return model::getattr(seen, 100); });
  ASSERT_TRUE(attr) << attr.error().text;
  EXPECT_EQ(attr->perm, 0600);
}

TEST_F(Sync, AClashTakesItsDependantsAlongAndNothingElse) {
  ASSERT_EQ(rig().create(kRoot, "a", 50, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(50, "b", 51, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(51, "c", 52), 0);
  ASSERT_EQ(rig().create(kRoot, "apart", 60), 0);
  other_creates("1", "a");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  const auto entries = journal();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].caused_by, 0u);
  EXPECT_EQ(entries[1].caused_by, entries[0].id);
  EXPECT_EQ(entries[2].caused_by, entries[0].id);
  EXPECT_EQ(rig().sync->stats().conflicts, 3u);
  EXPECT_EQ(rig().find(kRoot, "a"), 9000u) << "the server's truth shows";
  EXPECT_EQ(rig().find(kRoot, "apart"), 60u);
  EXPECT_EQ(rig().find(50, "b"), 0u);
  EXPECT_EQ(number("HLEN d1"), 2);
  EXPECT_EQ(number("EXISTS i50 i51 i52 d50 d51"), 0);
  EXPECT_EQ(number("GET totalInodes"), 1);
  EXPECT_TRUE(rig().sacrifices.report(kRoot));
  EXPECT_TRUE(rig().sacrifices.gone(52));
}

TEST_F(Sync, TheJournalTellsWhereItIsNowAndWhatWasWrittenLater) {
  ASSERT_EQ(rig().create(kRoot, "kept", 50, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(50, "file", 51), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().create(kRoot, "clash", 101), 0);
  ASSERT_EQ(write(101, 7, false), 0);
  ASSERT_EQ(write(51, 8, false), 0);
  other_creates("1", "clash");
  server.ask("DEL i51");
  server.ask("HDEL d50 file");
  ASSERT_TRUE(rig().client->read_one({"PING"}));  // behind the pushes
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(write(101, 9, false), EIO);
  EXPECT_EQ(rig().apply(model::TruncateArgs{{}, Clock().now(), 101, 5}), EIO);
  const auto entries = journal();
  ASSERT_EQ(entries.size(), 3u);
  std::map<std::string, std::string> paths;
  for (const auto& entry : entries) paths[entry.path_then] = entry.path_now;
  EXPECT_EQ(paths.at("/clash"), "") << "the file that was written is not there any more";
  EXPECT_EQ(entries[0].path_now, "/clash") << "the name is, as another's";
  EXPECT_EQ(paths.at("/kept/file"), "");
  ASSERT_EQ(entries[0].later.size(), 1u) << "of a truncation nothing would be lost";
  const auto later = model::decode_record(entries[0].later[0]);
  ASSERT_TRUE(later);
  EXPECT_EQ(std::get<model::WriteSliceArgs>(later->operation).slice.id, 9u);
  EXPECT_EQ(host.asked(), (std::set<uint64_t>{7, 8, 9})) << "so the host keeps them";
}

TEST_F(Sync, AProgramThatDoesNotListenFillsNoJournal) {
  ASSERT_EQ(rig().create(kRoot, "clash", 101), 0);
  other_creates("1", "clash");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  for (uint64_t slice = 1; slice <= 1010; ++slice) ASSERT_EQ(write(101, slice, false), EIO);
  const auto entries = journal();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].later.size(), 1000u);
  EXPECT_TRUE(host.asked().contains(1000));
  EXPECT_FALSE(host.asked().contains(1001)) << "nobody would ever ask for it again";
}

TEST_F(Sync, NoSliceIsSeenBeforeItsData) {
  ASSERT_EQ(rig().create(kRoot, "data", 100), 0);
  ASSERT_EQ(write(100, 7, true), 0);
  ASSERT_EQ(rig().create(kRoot, "other", 101), 0);
  EXPECT_FALSE(rig().drain(20));
  EXPECT_EQ(number("HLEN d1"), 2) << "what does not depend on the data goes on";
  EXPECT_EQ(number("EXISTS c100_0"), 0);
  EXPECT_EQ(rig().sync->stats().waiting_for_data, 1u);
  rig().sync->slice_durable(100, 7);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("LLEN c100_0"), 1);
}

TEST_F(Sync, WhatFollowsACloseIsNotSeenBeforeTheDataEither) {
  ASSERT_EQ(rig().create(kRoot, "data.bin", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, true), 0);
  static_cast<void>(rig().drain(3));  // the worker knows that it waits
  rig().sync->content_barrier(100);
  ASSERT_EQ(rig().create(kRoot, "DONE", 101), 0);
  EXPECT_FALSE(rig().drain(20));
  EXPECT_EQ(number("HEXISTS d1 DONE"), 0);
  host.answer = 1;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("HEXISTS d1 DONE"), 1);
}

TEST_F(Sync, ACloseCountsAlsoBeforeTheWorkerHasSeenTheSlice) {
  ASSERT_EQ(rig().create(kRoot, "data.bin", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, true), 0);
  rig().sync->content_barrier(100);
  ASSERT_EQ(rig().create(kRoot, "DONE", 101), 0);
  EXPECT_FALSE(rig().drain(20));
  EXPECT_EQ(number("HEXISTS d1 DONE"), 0);
  host.answer = 1;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
}

TEST_F(Sync, LostDataIsJournalled) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  host.answer = -EIO;
  ASSERT_EQ(write(100, 7, true), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(journal().size(), 1u);
  EXPECT_EQ(number("EXISTS c100_0"), 0);
  EXPECT_TRUE(rig().sacrifices.report(100));
  EXPECT_FALSE(rig().sacrifices.gone(100)) << "the file itself is there";
}

TEST_F(Sync, LostDataIsNotSentWhenTheStoreHasNoRoomForTheJournal) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  host.answer = -EIO;
  ASSERT_EQ(write(100, 7, true), 0);
  tables.fail(MemoryTables::Where::kCommit, 1, {Fault::kLocalStore, ENOSPC, "no room"});
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(tables.fired());
  EXPECT_EQ(number("EXISTS c100_0"), 0);
  EXPECT_EQ(journal().size(), 1u);
}

TEST_F(Sync, LostDataTakesNothingFromEarlierDataThatIsAwaited) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, true), 0);
  host.lost = 8;
  ASSERT_EQ(write(100, 8, true), 0);
  EXPECT_FALSE(rig().drain(20));
  ASSERT_EQ(journal().size(), 1u);
  auto seen = rig().executor.read_reply<model::ReadSlicesReply>(
      [](const model::View& view) { return model::read_slices(view, 100, 0); });
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->pieces.size(), 1u);
  EXPECT_EQ(seen->pieces[0].id, 7u);
  host.answer = 1;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("LLEN c100_0"), 1);
  const std::string record = server.ask("LINDEX c100_0 0");
  auto stored = model::decode_slice(std::string_view(record).substr(record.find("\r\n") + 2, 24));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->id, 7u);
}

TEST_F(Sync, RecoveredRecordsThatOnlyWaitForDataLetTheMountBeWritten) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, true), 0);
  EXPECT_TRUE(restarted().recovered);
  EXPECT_EQ(rig().rows(Table::kOplog), 1u);
  // Whoever wrote the file has ended, so it counts as closed.
  ASSERT_EQ(rig().create(kRoot, "later", 101), 0);
  EXPECT_FALSE(rig().drain(10));
  EXPECT_EQ(number("HEXISTS d1 later"), 0);
  host.answer = 1;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("HEXISTS d1 later"), 1);
}

TEST_F(Sync, ACopyOfWhatWasMergedMeanwhileRefersToTheMergedSlice) {
  ASSERT_EQ(rig().create(kRoot, "from", 100), 0);
  ASSERT_EQ(rig().create(kRoot, "to", 101), 0);
  ASSERT_EQ(write(100, 7, false), 0);
  ASSERT_TRUE(rig().drain());
  model::CopyRangeArgs copy;
  copy.now = Clock().now();
  copy.from = 100;
  copy.to = 101;
  copy.len = 100;
  ASSERT_EQ(rig().apply(copy), 0);
  on_server({{"DEL", "c100_0"},
             {"RPUSH", "c100_0", model::encode_slice({0, 70, 100, 0, 100})}});
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(number("HEXISTS sliceRef k7_100"), 0);
  EXPECT_EQ(number("HGET sliceRef k70_100"), 1);
  EXPECT_EQ(rig().sync->stats().content_overwrites, 1u);
}

TEST_F(Sync, ALastCloseWhoseUnlinkFoundTheFileClosedIsNoConflict) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  rig().open_inodes().opened(100);
  ASSERT_EQ(rig().unlink(kRoot, "f"), 0);
  // Closed, and its record is not there yet.
  rig().open_inodes().closed(100);
  rig().before_send = [this] {
    rig().before_send = {};
    ASSERT_EQ(rig().apply(model::LastCloseArgs{Clock().now(), 100}), 0);
  };
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(number("EXISTS i100"), 0);
  EXPECT_EQ(number("GET totalInodes"), 0);
}

// Whoever is killed before it has removed the objects leaves the count, and a sweep finds them.
TEST_F(Sync, WhatWasWrittenToAFileThatIsGoneIsCountedAsToBeRemoved) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  rig().open_inodes().opened(100);
  ASSERT_EQ(rig().unlink(kRoot, "f"), 0);
  ASSERT_EQ(write(100, 7, false), 0);
  rig().open_inodes().closed(100);
  ASSERT_EQ(rig().apply(model::LastCloseArgs{Clock().now(), 100}), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(number("EXISTS i100"), 0);
  EXPECT_EQ(number("HGET sliceRef k7_100"), -1);
  ASSERT_EQ(rig().effects.unreferenced.size(), 1u);
  EXPECT_EQ(rig().effects.unreferenced[0].id, 7u);
}

TEST_F(Sync, AnotherClientsContentIsOverwrittenWithAWord) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(write(100, 7, false), 0);
  ASSERT_EQ(write(100, 8, false), 0);
  model::Attr theirs;
  theirs.parent = kRoot;
  theirs.mtime = {5, 5};
  on_server({{"SET", "i100", model::encode_attr(theirs)}});
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(rig().sync->stats().content_overwrites, 1u) << "once, not for each of our writes";
  EXPECT_EQ(number("LLEN c100_0"), 2);
  EXPECT_TRUE(journal().empty());
}

TEST_F(Sync, ATakenAwayLockMakesItAConflict) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  rig().locks.granted(100, "lockf100", 1, 0, {});
  server.ask("SADD locked1 lockf100");
  server.ask("HSET lockf100 1_0000000000000001 W");
  ASSERT_EQ(write(100, 7, false), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  ASSERT_EQ(write(100, 8, false), 0);
  server.ask("DEL locked1");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(journal().size(), 1u);
  EXPECT_EQ(number("LLEN c100_0"), 1);
}

// Who cleans up after a session takes its field off the lock before the lock off its list, and a
// successor may have the lock in between.
TEST_F(Sync, ALockThatIsTakenAwayBehindTheReadMakesItAConflict) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  for (const char* taken : {"DEL locked1", "HDEL lockf100 1_0000000000000001"}) {
    rig().locks.granted(100, "lockf100", 1, 0, {});
    server.ask("SADD locked1 lockf100");
    server.ask("HSET lockf100 1_0000000000000001 W");
    ASSERT_EQ(write(100, 8, false), 0);
    rig().before_send = [&] { server.ask(std::exchange(taken, "PING")); };
    ASSERT_TRUE(rig().drain()) << rig().last_error;
    EXPECT_EQ(number("LLEN c100_0"), 0);
  }
  EXPECT_EQ(journal().size(), 2u);
}

TEST_F(Sync, ALockThatIsJustBeingTakenAwayMakesItAConflict) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  rig().locks.granted(100, "lockf100", 1, 0, {});
  server.ask("SADD locked1 lockf100");
  server.ask("HSET lockf100 11_0000000000000001 W");
  ASSERT_EQ(write(100, 8, false), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(journal().size(), 1u);
  EXPECT_EQ(number("LLEN c100_0"), 0);
}

// Programs lock one file to change another: every change of the process counts.
TEST_F(Sync, AChangeByTheProcessThatLostItsLockIsAConflictWhateverItIs) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_EQ(rig().create(kRoot, "old", 101), 0);
  ASSERT_TRUE(rig().drain());
  rig().locks.granted(100, "lockf100", 1, 77, {});
  model::RenameArgs rename;
  rename.now = Clock().now();
  rename.who.pid = 77;
  rename.parent = rename.new_parent = kRoot;
  rename.name = "old";
  rename.new_name = "new";
  ASSERT_EQ(rig().apply(rename), 0);
  engine::WriteHints hints;
  hints.who = {5, 6, 0, 77};
  ASSERT_EQ(rig().apply(model::SetXattrArgs{100, "user.a", "b", 0}, hints), 0);
  rename.name = "f";
  rename.new_name = "g";
  rename.who.pid = 78;  // another process
  ASSERT_EQ(rig().apply(rename), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;  // nobody has locked1
  const auto entries = journal();
  ASSERT_EQ(entries.size(), 2u);
  const auto xattr = model::decode_record(entries[1].record);
  ASSERT_TRUE(xattr);
  EXPECT_EQ(xattr->uid, 5u);
  EXPECT_EQ(xattr->gid, 6u);
  EXPECT_EQ(xattr->pid, 77u);
  EXPECT_EQ(number("HEXISTS d1 old"), 1);
  EXPECT_EQ(number("HEXISTS d1 new"), 0);
  EXPECT_EQ(number("HEXISTS d1 g"), 1);
}

TEST_F(Sync, PendingChangesOfOneDirectorySurviveItsNeighboursConflict) {
  ASSERT_EQ(rig().create(kRoot, "x", 100), 0);
  ASSERT_EQ(rig().create(kRoot, "clash", 101, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(kRoot, "y", 102), 0);
  model::SetattrArgs chmod;
  chmod.now = Clock().now();
  chmod.ino = kRoot;
  chmod.mode = 0711;
  ASSERT_EQ(rig().apply(chmod), 0);
  other_creates("1", "clash");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(journal().size(), 1u);
  auto attr = rig().executor.read_reply<model::Attr>(
      [](const model::View& seen) { return model::getattr(seen, kRoot); });
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->perm, 0711);
  EXPECT_EQ(attr->nlink, 2u);
  EXPECT_EQ(rig().find(kRoot, "y"), 102u);
  const std::string root = server.ask("GET i1");
  auto stored = model::decode_attr(std::string_view(root).substr(root.find("\r\n") + 2));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->perm, 0711);
  EXPECT_EQ(stored->nlink, 2u);
}

TEST_F(Sync, ABurstOfPairsIsCancelledAndCountsAsSent) {
  ASSERT_EQ(rig().create(kRoot, "keep", 100), 0);
  for (Ino i = 0; i < 20; ++i) {
    ASSERT_EQ(rig().create(kRoot, "t", 200 + i), 0);
    ASSERT_EQ(rig().unlink(kRoot, "t"), 0);
  }
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(rig().sync->stats().cancelled, 40u);
  EXPECT_EQ(number("HLEN d1"), 1);
  EXPECT_EQ(number("GET totalInodes"), 1);
  EXPECT_EQ(rig().find(kRoot, "t"), 0u);
  EXPECT_TRUE(restarted().drain());
  EXPECT_EQ(rig().refused, "");
  ASSERT_EQ(rig().create(kRoot, "more", 300), 0);
  ASSERT_TRUE(rig().drain());
  EXPECT_EQ(number("HLEN d1"), 2);
}

TEST_F(Sync, WhatIsCancelledUncoversNothing) {
  const auto remove = [&](Ino parent, const std::string& name) {
    model::Unlink gone;
    gone.want.now = Clock().now();
    gone.want.parent = parent;
    gone.want.name = name;
    return rig().apply(gone);
  };
  ASSERT_EQ(rig().create(kRoot, "lock", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(remove(kRoot, "lock"), 0);
  ASSERT_EQ(rig().create(kRoot, "lock", 101), 0);
  ASSERT_EQ(remove(kRoot, "lock"), 0);
  ASSERT_EQ(rig().create(kRoot, "dir", 102, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(102, "tmp", 103), 0);
  ASSERT_EQ(remove(102, "tmp"), 0);
  int looks = 0;
  // Between the cancelling and the settling.
  rig().before_send = [&] {
    ++looks;
    EXPECT_EQ(rig().find(kRoot, "lock"), 0u);
    EXPECT_EQ(rig().find(kRoot, "dir"), 102u);
    auto dir = rig().executor.read_reply<model::Attr>(
        [](const model::View& seen) { return model::getattr(seen, 102); });
    EXPECT_TRUE(dir) << "the folder is gone";
  };
  rig().step();
  EXPECT_GT(rig().sync->stats().cancelled, 0u);
  ASSERT_EQ(rig().create(102, "later", 104), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_GT(looks, 0);
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(number("HLEN d1"), 1);
  EXPECT_EQ(number("HLEN d102"), 1);
}

TEST_F(Sync, AConflictTakesNothingThatOnlySharesKeysWithARecordThatStays) {
  ASSERT_EQ(rig().create(kRoot, "b", 103), 0);
  ASSERT_EQ(rig().create(kRoot, "Q", 104, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(104, "x", 105), 0);
  ASSERT_EQ(rig().rename(kRoot, "b", 104, "b"), 0);
  model::SetattrArgs chmod;
  chmod.now = Clock().now();
  chmod.ino = 104;
  chmod.mode = 0711;
  ASSERT_EQ(rig().apply(chmod), 0);
  ASSERT_EQ(rig().create(104, "z", 106), 0);
  other_creates("1", "b");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  for (const auto& entry : journal()) {
    const auto record = model::decode_record(entry.record);
    ASSERT_TRUE(record);
    const auto kind = model::kind_of(record->operation);
    EXPECT_TRUE(kind == model::OperationKind::kCreate || kind == model::OperationKind::kRename)
        << model::name_of(kind);
  }
  EXPECT_EQ(journal().size(), 2u) << "the clash and the move of what was undone";
  EXPECT_EQ(number("HLEN d104"), 2);
  EXPECT_EQ(rig().find(kRoot, "Q"), 104u);
  EXPECT_EQ(rig().find(104, "x"), 105u);
}

// The newest of what is undone is not the newest that has written the folder.
TEST_F(Sync, AConflictLeavesTheLinksOfAFolderThatRecordsBetweenHaveChanged) {
  ASSERT_EQ(rig().create(kRoot, "clash", 100, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(kRoot, "stays", 101, FileType::kDirectory), 0);
  ASSERT_EQ(rig().create(100, "goes along", 102), 0);
  other_creates("1", "clash");
  for (int i = 0; i < 100 && journal().empty(); ++i) rig().step();
  ASSERT_EQ(journal().size(), 2u);
  ASSERT_TRUE(rig().backlog.oldest()) << "the folder that stays is not sent yet";
  const auto attr = rig().executor.read_reply<model::Attr>(
      [](const model::View& seen) { return model::getattr(seen, kRoot); });
  ASSERT_TRUE(attr);
  EXPECT_GT(attr->nlink, 2u);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
}

TEST_F(Sync, ALargeFolderWhoseEntriesAreAllRemovedHereIsEmpty) {
  constexpr size_t kEntries = engine::Mirror::kSmall + 20;
  ASSERT_EQ(rig().create(kRoot, "d", 50, FileType::kDirectory), 0);
  ASSERT_TRUE(rig().drain());
  fill_on_server(50, kEntries);
  restarted();  // knows nothing of them
  for (size_t i = 0; i < kEntries; ++i)
    ASSERT_EQ(rig().apply(model::Unlink{{{}, Clock().now(), 50, "f" + std::to_string(i), 0}}), 0);
  EXPECT_EQ(rig().apply(model::Rmdir{{{}, Clock().now(), kRoot, "d", 0}}), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(number("HLEN d1"), 0);
}

TEST_F(Sync, AnErrorOfTheServerIsNoConflict) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  server.ask("CONFIG SET maxmemory 1");
  for (int i = 0; i < 5; ++i) rig().step();
  EXPECT_TRUE(rig().last_error.find("OOM") != std::string::npos) << rig().last_error;
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(rig().rows(Table::kOplog), 1u);
  server.ask("CONFIG SET maxmemory 0");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("HLEN d1"), 1);
}

TEST_F(Sync, WhatTheServerForgotIsOfferedAgain) {
  ASSERT_EQ(rig().create(kRoot, "before", 100), 0);
  ASSERT_TRUE(rig().drain());
  forgotten([&] {
    ASSERT_EQ(rig().create(kRoot, "after", 101), 0);
    ASSERT_TRUE(rig().drain());
    ASSERT_EQ(number("HLEN d1"), 2);
    ASSERT_EQ(rig().create(kRoot, "while", 102), 0);
  });
  ASSERT_EQ(number("HLEN d1"), 1) << "the server has to have lost it";
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("HLEN d1"), 3);
  EXPECT_EQ(number("GET totalInodes"), 3);
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(rig().refused, "");
  EXPECT_EQ(rig().find(kRoot, "after"), 101u);
}

// The rows of what is offered again are of before the server went back.
TEST_F(Sync, AConflictMakesNoNewFolderOfOneThatIsOfferedAgain) {
  rig();
  forgotten([&] {
    ASSERT_EQ(rig().create(kRoot, "d", 100), 0);
    ASSERT_EQ(rig().rename(kRoot, "d", kRoot, "e"), 0);
    ASSERT_EQ(rig().create(kRoot, "d", 101, FileType::kDirectory), 0);
    ASSERT_EQ(rig().create(101, "f", 102), 0);
    ASSERT_TRUE(rig().drain());
    ASSERT_EQ(rig().create(kRoot, "while", 103), 0);
  });
  // The numbers of the files are somebody else's by now.
  const std::string attr = model::encode_attr({});
  on_server({{"SET", "i100", attr}, {"SET", "i102", attr}});
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(journal().size(), 3u) << "two files and a rename";
  ASSERT_EQ(rig().find(kRoot, "d"), 101u);
  EXPECT_EQ(rig().find(101, "f"), 0u);
}

TEST_F(Sync, WhatIsNoLongerKeptIsNotGuessed) {
  auto forgetful = config(server.url());
  forgetful.sync.keep_applied = std::chrono::milliseconds(0);
  rig_ = std::make_unique<SyncRig>(forgetful, host, tables);
  forgotten([&] {
    ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
    ASSERT_TRUE(rig().drain());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (int i = 0; i < 5; ++i) rig().step();
    ASSERT_EQ(rig().rows(Table::kApplied), 0u);
  });
  for (int i = 0; i < 200 && rig().refused.empty(); ++i) {
    rig().step();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(rig().refused, "");
}

TEST_F(Sync, AnErrorInsideATransactionLatches) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  server.ask("DEL usedSpace");
  server.ask("RPUSH usedSpace x");
  for (int i = 0; i < 5; ++i) rig().step();
  EXPECT_NE(rig().refused.find("usedSpace"), std::string::npos) << rig().refused;
  EXPECT_TRUE(journal().empty());
}

TEST_F(Sync, ACursorOfAnotherIncarnationRefuses) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().create(kRoot, "g", 101), 0);
  server.ask("SET fastmeta:client:c1 \"" + model::encode_cursor({8, 5, {}}) + "\"");
  for (int i = 0; i < 10 && rig().refused.empty(); ++i) rig().step();
  EXPECT_NE(rig().refused.find("incarnation"), std::string::npos) << rig().refused;
  EXPECT_EQ(number("HLEN d1"), 1);
  EXPECT_TRUE(journal().empty());
}

TEST_F(Sync, ACursorBeyondWhatWeMadeIsACopy) {
  ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().create(kRoot, "g", 101), 0);
  server.ask("SET fastmeta:client:c1 \"" + model::encode_cursor({7, 500, {}}) + "\"");
  for (int i = 0; i < 10 && rig().refused.empty(); ++i) rig().step();
  EXPECT_NE(rig().refused.find("copy"), std::string::npos) << rig().refused;
  EXPECT_EQ(number("HLEN d1"), 1);
}

TEST_F(Sync, ARestartSendsWhatWasPending) {
  for (Ino i = 0; i < 30; ++i)
    ASSERT_EQ(rig().create(kRoot, "f" + std::to_string(i), 100 + i), 0);
  EXPECT_TRUE(restarted().drain());
  EXPECT_TRUE(rig().recovered);
  EXPECT_EQ(number("HLEN d1"), 30);
  ASSERT_EQ(rig().create(kRoot, "next", 200), 0);
  ASSERT_TRUE(rig().drain());
  EXPECT_EQ(number("HLEN d1"), 31);
}

TEST_F(Sync, ADamagedValueIsJournalledAndHoldsUpNobody) {
  ASSERT_EQ(rig().create(kRoot, "d", 50, FileType::kDirectory), 0);
  ASSERT_TRUE(rig().drain());
  ASSERT_EQ(rig().create(50, "x", 100), 0);
  ASSERT_EQ(rig().create(kRoot, "y", 101), 0);
  server.ask("SET i50 garbage");
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(journal().size(), 1u);
  EXPECT_EQ(number("HEXISTS d1 y"), 1);
  EXPECT_EQ(rig().refused, "");
}

TEST_F(Sync, ManyConflictsStopTheWorkerUntilItIsTold) {
  auto strict = config(server.url());
  strict.conflicts.limit = 2;
  rig_ = std::make_unique<SyncRig>(strict, host, tables);
  for (Ino i = 0; i < 6; ++i) {
    ASSERT_EQ(rig().create(kRoot, "f" + std::to_string(i), 100 + i), 0);
    other_creates("1", "f" + std::to_string(i));
  }
  EXPECT_FALSE(rig().drain());
  EXPECT_NE(rig().refused.find("conflicts"), std::string::npos) << rig().refused;
  EXPECT_EQ(journal().size(), 3u);
  rig().refused.clear();
  rig().sync->resume();
  rig().step();
  EXPECT_GT(journal().size(), 3u);
}

}  // namespace
}  // namespace fastmeta::test
