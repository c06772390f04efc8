// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/cancelling.h"
#include "model/schema/codec.h"
#include "pending_volume.h"

namespace fastmeta::test {
namespace {

using Indexes = std::vector<size_t>;

std::vector<const OplogRecord*> pointers(const std::vector<OplogRecord>& log) {
  std::vector<const OplogRecord*> records;
  for (const OplogRecord& record : log) records.push_back(&record);
  return records;
}

class Cancelling : public ::testing::Test {
 protected:
  PendingVolume v;
  std::set<size_t> sent;
  std::set<Ino> open;
  CancelOptions options{.trash = false,
                        .change_log = false,
                        .sent = [this](size_t i) { return sent.contains(i); },
                        .open_here = [this](Ino ino) { return open.contains(ino); }};

  Indexes dropped() const { return cancelled(v.keys, pointers(v.log), options); }
  int times(Ino ino, Timestamp mtime) {
    SetattrArgs want;
    want.who = kAnyone;
    want.now = v.now;
    want.ino = ino;
    want.mtime = mtime;
    return code_of(v.run(want));
  }
};

TEST_F(Cancelling, AFileThatCameAndWent) {
  const Ino f = v.create(kRootIno, "f");
  v.create(kRootIno, "stays");
  ASSERT_EQ(v.chmod(f, 0600), 0);
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  EXPECT_EQ(dropped(), (Indexes{0, 2, 3}));
  sent = {1};
  EXPECT_EQ(dropped(), (Indexes{0, 2, 3}));
}

TEST_F(Cancelling, NothingThatWasSent) {
  const Ino f = v.create(kRootIno, "f");
  ASSERT_EQ(v.chmod(f, 0600), 0);
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  for (size_t i = 0; i < 3; ++i) {
    sent = {i};
    EXPECT_EQ(dropped(), Indexes{}) << i;
  }
  options.sent = nullptr;
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, NothingWithTrashOrAChangeLog) {
  v.create(kRootIno, "f");
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  options.trash = true;
  EXPECT_EQ(dropped(), Indexes{});
  options.trash = false;
  options.change_log = true;
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, NotWhatWentToTheTrash) {
  v.create(kRootIno, "f");
  ASSERT_EQ(v.unlink(kRootIno, "f", kTrashIno + 1), 0);
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, NotWhatIsStillOpen) {
  const Ino f = v.create(kRootIno, "f");
  v.open.insert(f);
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  EXPECT_EQ(dropped(), Indexes{});  // lives on until the last close
  v.open.clear();
  ASSERT_EQ(code_of(v.run(LastCloseArgs{v.now, f})), 0);
  EXPECT_EQ(dropped(), (Indexes{0, 1, 2}));
  open = {f};
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, NotWhatAnythingElseConcerned) {
  using Act = std::function<int(PendingVolume&, Ino)>;
  const std::vector<std::pair<const char*, Act>> acts = {
      {"slice", [](auto& v, Ino f) { return v.write(f, {0, 1, 8, 0, 8}); }},
      {"length", [](auto& v, Ino f) {
         return code_of(v.run(TruncateArgs{kAnyone, v.now, f, 10}));
       }},
      {"xattr", [](auto& v, Ino f) { return code_of(v.run(SetXattrArgs{f, "a", "b", 0})); }},
      {"rename and back", [](auto& v, Ino) {
         return v.rename(kRootIno, "f", kRootIno, "g") + v.rename(kRootIno, "g", kRootIno, "f");
       }},
      {"link", [](auto& v, Ino f) { return v.link(f, kRootIno, "g"); }},
      {"copy", [](auto& v, Ino f) {
         const Ino to = v.create(kRootIno, "to");
         return v.write(f, {0, 1, 8, 0, 8}) +
                code_of(v.run(CopyRangeArgs{kAnyone, v.now, f, 0, to, 0, 8, 0}));
       }}};
  for (const auto& [what, act] : acts) {
    v = {};
    const Ino f = v.create(kRootIno, "f");
    ASSERT_EQ(act(v, f), 0) << what;
    ASSERT_EQ(v.unlink(kRootIno, "f"), 0) << what;
    EXPECT_EQ(dropped(), Indexes{}) << what;
  }
}

TEST_F(Cancelling, NotUnderALock) {
  v.create(kRootIno, "f");
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  v.log[1].locks = {{7, "lockf2"}};
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, AReplacedFileStays) {
  v.create(kRootIno, "f");
  v.create(kRootIno, "g");
  ASSERT_EQ(v.rename(kRootIno, "g", kRootIno, "f"), 0);
  ASSERT_EQ(v.unlink(kRootIno, "f"), 0);  // that was g
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, TheSameNameAgainAndAgain) {
  for (int i = 0; i < 3; ++i) {
    v.create(kRootIno, "f");
    ASSERT_EQ(v.unlink(kRootIno, "f"), 0);
  }
  v.create(kRootIno, "f");
  EXPECT_EQ(dropped(), (Indexes{0, 1, 2, 3, 4, 5}));
}

TEST_F(Cancelling, ATreeThatCameAndWent) {
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);
  const Ino e = v.create(d, "e", FileType::kDirectory);
  v.create(e, "f", FileType::kSymlink);
  ASSERT_EQ(v.unlink(e, "f"), 0);
  ASSERT_EQ(v.rmdir(d, "e"), 0);
  ASSERT_EQ(v.rmdir(kRootIno, "d"), 0);
  EXPECT_EQ(dropped(), (Indexes{0, 1, 2, 3, 4, 5}));
  sent = {2};  // what was made in it may be there
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, ADirectoryThatSomethingPassedThroughStays) {
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);
  v.create(d, "f");
  ASSERT_EQ(v.rename(d, "f", kRootIno, "f"), 0);
  ASSERT_EQ(v.rmdir(kRootIno, "d"), 0);
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, SetattrsThatALaterOneOverwrites) {
  const Ino f = v.create(kRootIno, "f");
  ASSERT_EQ(v.chmod(f, 0600), 0);          // 1
  ASSERT_EQ(times(f, {5, 0}), 0);          // 2: not the mode
  ASSERT_EQ(times(f, {6, 0}), 0);          // 3
  ASSERT_EQ(times(f, {7, 0}), 0);          // 4
  ASSERT_EQ(v.write(f, {0, 1, 8, 0, 8}), 0);
  ASSERT_EQ(times(f, {8, 0}), 0);          // 6: the write was between
  EXPECT_EQ(dropped(), (Indexes{2, 3}));
  sent = {3};
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, AModeThatSomethingReliedOnStays) {
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);
  ASSERT_EQ(v.chmod(d, 02755), 0);
  v.create(d, "inherits the group");
  ASSERT_EQ(v.chmod(d, 0700), 0);
  EXPECT_EQ(dropped(), Indexes{});
}

TEST_F(Cancelling, OwnersAndModesAreNotComparedWithEachOther) {
  const Ino f = v.create(kRootIno, "f");
  auto set = [&](std::optional<uint16_t> mode, std::optional<uint32_t> uid) {
    SetattrArgs want;
    want.now = v.now;
    want.ino = f;
    want.mode = mode;
    want.uid = uid;
    return code_of(v.run(want));
  };
  ASSERT_EQ(set(04755, {}), 0);  // 1
  ASSERT_EQ(set({}, 5), 0);      // 2: clears setuid
  ASSERT_EQ(set({}, 6), 0);      // 3: so does this
  ASSERT_EQ(set(0711, 7), 0);    // 4
  EXPECT_EQ(dropped(), (Indexes{2}));
}

// What a cancelled record leaves behind on a server that gets it: times of directories,
// a ctime, a deleted file's mark.
MemoryStore without_traces(const PendingVolume& v, MemoryStore store) {
  for (auto& [key, value] : store.values()) {
    const auto parsed = v.keys.parse(key);
    if (!parsed || parsed->kind != 'i') continue;
    Attr attr = *decode_attr(std::get<MemoryStore::String>(value));
    attr.ctime = {};
    if (attr.is_dir()) attr.mtime = {};
    value = encode_attr(attr);
  }
  for (const char* counter : {"usedSpace", "totalInodes"}) {
    if (store.counter(counter) == 0) store.values().erase(counter);
  }
  store.values().erase("delfiles");
  return store;
}

TEST(CancellingRandom, ChangesNothingThatMatters) {
  Dice dice(random_seed());
  size_t all = 0;
  for (int round = 0; round < 600 && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    PendingVolume v;
    MemoryStore server = v.store;
    for (int i = 0; i < 100; ++i) {
      // Mostly what can cancel.
      const Operation next = random_operation(dice, v);
      const auto kind = kind_of(next);
      const bool plain = kind <= OperationKind::kSetattr && kind != OperationKind::kLink &&
                         kind != OperationKind::kRename;
      if (plain || dice.one_in(8)) (void)v.run(next).has_value();
    }
    const auto records = pointers(v.log);
    const Indexes gone = cancelled(v.keys, records,
                                   {.trash = false,
                                    .change_log = false,
                                    .sent = [&](size_t i) { return i < 5; },
                                    .open_here = [](Ino) { return false; }});
    all += gone.size();
    std::vector<const OplogRecord*> rest;
    for (size_t i = 0; i < records.size(); ++i)
      if (!std::ranges::binary_search(gone, i)) rest.push_back(records[i]);
    reintegrate(server, v, rest);
    EXPECT_TRUE(without_traces(v, server) == without_traces(v, v.store));
  }
  EXPECT_GT(all, 1000u);
}

}  // namespace
}  // namespace fastmeta::test
