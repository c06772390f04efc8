// SPDX-License-Identifier: GPL-3.0-or-later
// Data of changes that wait: the host is asked to keep it, and asked once more before a
// change that is long overdue is sent.
#include <gtest/gtest.h>

#include <vector>

#include "engine/fastmeta/slice_keeper.h"
#include "unit/engine/sync_fixture.h"

namespace fastmeta::test {
namespace {

using namespace std::chrono_literals;
using model::Ino;

class KeepingHost final : public RecordingHost {
 public:
  int slice_is_durable(uint64_t slice, uint32_t) override {
    asked.push_back(slice);
    return answer;
  }
  std::vector<uint64_t> asked;
  int answer = 1;
};

class SlicesKept : public Sync {
 protected:
  // keep: what is older counts as long overdue at once.
  void begin(std::chrono::milliseconds keep) {
    auto how = config(server.url());
    how.sync.keep_data = keep;
    rig_ = std::make_unique<SyncRig>(how, keeping, tables, engine::Identity{"c1", 7, 1});
    if (number("EXISTS i100") == 0) {
      ASSERT_EQ(rig().create(kRoot, "f", 100), 0);
      ASSERT_TRUE(rig().drain());
    }
  }
  static uint64_t asked_by(engine::SliceKeeper& keeper) {
    auto asked = keeper.pass();
    EXPECT_TRUE(asked);
    return asked ? *asked : 99;
  }
  // Shows how long it is since the records of the test.
  struct Ahead final : Clock {
    std::chrono::seconds by{0};
    Timestamp now() const override { return moved(Clock::now()); }
    Timestamp even() const override { return moved(Clock::even()); }
    Timestamp moved(Timestamp time) const { return {time.sec + by.count(), time.nsec}; }
  };
  KeepingHost keeping;
};

TEST_F(SlicesKept, EachIsAskedForOnceAndAllOfThemNowAndThen) {
  begin(0ms);
  engine::SliceKeeper keeper(rig().parts);
  EXPECT_EQ(asked_by(keeper), 0u);
  ASSERT_EQ(write(100, 7, false), 0);
  ASSERT_EQ(rig().create(kRoot, "g", 101), 0);
  ASSERT_EQ(write(100, 8, true), 0);  // staged: the host has it anyway
  ASSERT_EQ(write(100, 9, false), 0);
  EXPECT_EQ(asked_by(keeper), 2u);
  EXPECT_EQ(keeping.asked, (std::vector<uint64_t>{7, 9}));
  EXPECT_EQ(asked_by(keeper), 2u);

  // With hours between, only what is new; what was acknowledged just now may still be sent.
  auto how = config(server.url());
  how.sync.keep_data = 1h;
  Ahead clock;
  engine::Parts patient{*rig().client, tables, rig().parts.keys, how, rig().validity,
                        rig().parts.stripes, rig().backlog, rig().open_inodes(), keeping,
                        clock, Log()};
  engine::SliceKeeper rare(patient);
  EXPECT_EQ(asked_by(rare), 0u);
  clock.by = 60s;
  EXPECT_EQ(asked_by(rare), 2u);
  EXPECT_EQ(asked_by(rare), 0u);
  ASSERT_EQ(write(100, 10, false), 0);
  clock.by = 120s;
  EXPECT_EQ(asked_by(rare), 1u);
  clock.by = 2h;
  EXPECT_EQ(asked_by(rare), 3u);
}

// More of either than a page has.
TEST_F(SlicesKept, OfTheJournalWhatIsOpenAndWhatWasWrittenLater) {
  begin(0ms);
  auto record_of = [](uint64_t slice) {
    model::OplogRecord record;
    model::WriteSliceArgs want;
    want.ino = 100;
    want.slice = {0, slice, 100, 0, 100};
    record.operation = want;
    return model::encode_record(record);
  };
  std::vector<uint64_t> expected;
  auto transaction = tables.begin();
  ASSERT_TRUE(transaction);
  for (uint64_t id = 1; id <= 1200; ++id) {
    engine::JournalEntry entry;
    entry.id = entry.seq = id;
    entry.record = record_of(id);
    if (id == 5) entry.state = engine::JournalEntry::State::kDiscarded;
    if (id != 5) expected.push_back(id);
    if (id == 1100) entry.later = {record_of(9000), record_of(9001)};
    if (id == 1100) expected.insert(expected.end(), {9000, 9001});
    ASSERT_TRUE((*transaction)->put(store::Table::kJournal, store::number_key(id),
                                    engine::encode_entry(entry)));
  }
  ASSERT_TRUE((*transaction)->commit());
  for (uint64_t slice = 10'000; slice < 11'200; ++slice) {
    ASSERT_EQ(write(100, slice, false), 0);
    expected.push_back(slice);
  }
  engine::SliceKeeper keeper(rig().parts);
  EXPECT_EQ(asked_by(keeper), expected.size());
  EXPECT_EQ(keeping.asked, expected);
}

TEST_F(SlicesKept, DataThatIsGoneWhenAnOverdueChangeIsSentMakesItAConflict) {
  begin(0ms);
  ASSERT_EQ(write(100, 7, false), 0);
  keeping.answer = -ENOENT;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  ASSERT_EQ(journal().size(), 1u);
  keeping.asked.clear();
  engine::SliceKeeper keeper(rig().parts);
  EXPECT_EQ(asked_by(keeper), 1u) << "what is in the journal is asked for, too";
  EXPECT_EQ(keeping.asked, std::vector<uint64_t>{7});
  EXPECT_NE(journal()[0].reason.find("not in the object storage any more"), std::string::npos);
  EXPECT_EQ(number("EXISTS c100_0"), 0);
}

TEST_F(SlicesKept, AStorageThatIsAwayHoldsAnOverdueChangeBack) {
  begin(0ms);
  ASSERT_EQ(write(100, 7, false), 0);
  keeping.answer = 0;
  EXPECT_FALSE(rig().drain(20));
  EXPECT_TRUE(journal().empty());
  EXPECT_EQ(rig().sync->stats().waiting_for_data, 1u);
  keeping.answer = 1;
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_EQ(number("LLEN c100_0"), 1);
}

TEST_F(SlicesKept, NobodyIsAskedAboutAChangeThatIsSentAtOnce) {
  begin(10min);
  ASSERT_EQ(write(100, 7, false), 0);
  ASSERT_TRUE(rig().drain()) << rig().last_error;
  EXPECT_TRUE(keeping.asked.empty());
}

}  // namespace
}  // namespace fastmeta::test
