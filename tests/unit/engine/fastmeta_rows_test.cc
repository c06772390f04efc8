// SPDX-License-Identifier: GPL-3.0-or-later
// Rows and tokens: the invariants of row.h and validity.h, in every order of events.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/row.h"
#include "engine/fastmeta/row_writer.h"
#include "engine/fastmeta/validity.h"
#include "memory_tables/memory_tables.h"
#include "model/schema/codec.h"
#include "support/seed.h"

namespace fastmeta::engine {
namespace {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;

TEST(Validity, AnInvalidationVoidsWhatWasReadBeforeIt) {
  Validity validity(7);
  const Token before = validity.now();
  EXPECT_TRUE(validity.valid(before, "i5"));
  validity.invalidated("i5");
  EXPECT_FALSE(validity.valid(before, "i5"));
  EXPECT_TRUE(validity.valid(before, "i6"));
  EXPECT_TRUE(validity.valid(validity.now(), "i5"));
}

TEST(Validity, AnEpochVoidsEverything) {
  Validity validity(7);
  const Token before = validity.now();
  validity.raise_epoch();
  EXPECT_FALSE(validity.valid(before, "i5"));
  EXPECT_TRUE(validity.valid(validity.now(), "i5"));
  EXPECT_EQ(validity.epoch(), 8u);
}

TEST(Validity, ReadsRegisteredWhileWeSendAreOlderThanWhatWeSend) {
  Validity validity(1);
  validity.invalidated("d1");
  const Token early = validity.now();
  const Token sent = validity.sending();
  const Token between = validity.now();
  validity.invalidated("d2");
  EXPECT_LT(validity.now(), sent) << "also after other changes";
  validity.written();
  EXPECT_LT(early, sent);
  EXPECT_LT(between, sent);
  EXPECT_GE(validity.now(), sent);
}

TEST(Validity, ManyKeysRaiseTheEpochInsteadOfGrowing) {
  Validity validity(1);
  const Token before = validity.now();
  for (int i = 0; i < (1 << 20) + 10; ++i) validity.invalidated("i" + std::to_string(i));
  EXPECT_GT(validity.epoch(), 1u);
  EXPECT_FALSE(validity.valid(before, "i99999999"));
}

TEST(Rows, RoundTripAndRefuseDamage) {
  std::mt19937_64 random(test::random_seed());
  for (int n = 0; n < 2000; ++n) {
    Row row;
    row.base = static_cast<Row::Base>(random() % 3);
    row.base_token = {random() % 1000, random()};
    if (row.base == Row::Base::kPresent) row.base_value.assign(random() % 40, '\xfe');
    row.local = static_cast<Row::Local>(random() % 5);
    if (row.local != Row::Local::kNone) row.last_seq = random();
    if (row.local == Row::Local::kValue || row.local == Row::Local::kAppend)
      row.local_value.assign(random() % 40, '\0');
    if (row.local == Row::Local::kDelta) row.local_delta = static_cast<int64_t>(random());
    if (random() % 2) row.born = Token{random(), random()};
    const std::string bytes = encode_row(row);
    auto back = decode_row(bytes);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(*back, row);
    for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_row(bytes.substr(0, cut)));
    EXPECT_FALSE(decode_row(bytes + "x"));
  }
}

TEST(Rows, NamesAreFoundInKeys) {
  const std::string field = row_key("d1", "a name");
  EXPECT_EQ(parse_row_key(field).key, "d1");
  EXPECT_EQ(parse_row_key(field).field, "a name");
  EXPECT_TRUE(parse_row_key(marker_key("d1")).marker);
  EXPECT_FALSE(parse_row_key("i5").in_hash);
}

// A count of links in the server may be any number: found by fuzz_rows.
TEST(Rows, ASumThatDoesNotFitLeavesTheNumber) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(incremented(kMost - 1, 1), kMost);
  EXPECT_EQ(incremented(kMost, 1), kMost);
  EXPECT_EQ(incremented(-kMost - 1, -1), -kMost - 1);

  const model::KeySpace keys("");
  test::MemoryTables tables;
  Validity validity(1);
  auto transaction = tables.begin();
  RowWriter rows(**transaction, keys, validity);
  const ReadKey parents{ReadKind::kHash, "p2", {}, true};
  RawValue two;
  two.fields = {{"1", std::to_string(kMost)}};
  ASSERT_TRUE(rows.fill(parents, two, validity.now()));
  ASSERT_TRUE(rows.pending({WriteOp::kHIncrBy, "p2", "1", "", 1}, 9, false));
  const model::VolumeFacts facts;
  const OpenTable open;
  const Fetched fetched;
  const LocalView view(facts, keys, open, validity, **transaction, fetched, false);
  const auto seen = view.raw(parents);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->fields, two.fields);
}

// A small world: one server value, one mirror of it.
class Mirrored : public testing::Test {
 protected:
  template <typename Change>
  void change(Change&& with) {
    auto transaction = tables.begin();
    ASSERT_TRUE(transaction);
    RowWriter rows(**transaction, keys, validity);
    auto done = with(rows);
    ASSERT_TRUE(done) << done.error().text;
    auto committed = (*transaction)->commit();
    ASSERT_TRUE(committed) << committed.error().text;
  }
  void fill(const ReadKey& read, const RawValue& answer, Token token) {
    change([&](RowWriter& rows) { return rows.fill(read, answer, token); });
  }
  void pending(const Write& write, uint64_t seq, bool is_new = false) {
    change([&](RowWriter& rows) { return rows.pending(write, seq, is_new); });
  }
  void applied(const Write& write, Token sent) {
    change([&](RowWriter& rows) { return rows.applied(write, sent); });
  }
  void settled(const Write& write, uint64_t seq) {
    change([&](RowWriter& rows) { return rows.settled(write, seq); });
  }
  // nothing: not known.
  std::optional<RawValue> seen(const ReadKey& read, bool fresh = false) {
    auto transaction = tables.begin();
    LocalView view(facts, keys, open, validity, **transaction, fetched, fresh);
    auto answer = view.raw(read);
    EXPECT_FALSE(view.failure());
    if (!answer) return std::nullopt;
    return *answer;
  }
  static RawValue text(std::string bytes) { return {true, std::move(bytes), 0, {}, {}}; }
  static std::string record(char fill) { return std::string(model::kSliceRecordBytes, fill); }

  const ReadKey attr{ReadKind::kString, "i5", {}, true};
  const ReadKey name{ReadKind::kField, "d5", "name", true};
  const ReadKey list{ReadKind::kList, "c5_0", {}, true};
  const ReadKey count{ReadKind::kHashCount, "d5", {}, true};
  const ReadKey whole{ReadKind::kHash, "d5", {}, true};

  test::MemoryTables tables;
  model::KeySpace keys;
  Validity validity{1};
  OpenTable open;
  model::VolumeFacts facts;
  Fetched fetched;
};

TEST_F(Mirrored, WhatWasReadIsKnownUntilItIsInvalidated) {
  EXPECT_FALSE(seen(attr));
  fill(attr, text("one"), validity.now());
  EXPECT_EQ(seen(attr)->bytes, "one");
  EXPECT_FALSE(seen(attr, true)) << "fresh: the server has to be asked";
  validity.invalidated("i5");
  EXPECT_FALSE(seen(attr));
}

TEST_F(Mirrored, ACancelledFillIsStoredAndDoesNotCount) {
  const Token token = validity.now();
  validity.invalidated("i5");
  fill(attr, text("old"), token);
  EXPECT_FALSE(seen(attr));
}

TEST_F(Mirrored, AFillNeverUndoesANewerOne) {
  const Token early = validity.now();
  validity.invalidated("i9");
  fill(attr, text("new"), validity.now());
  fill(attr, text("old"), early);
  EXPECT_EQ(seen(attr)->bytes, "new");
}

// I5 and F6: our EXEC, a fill of the same key and another client's change, in all orders of
// the events as this process may meet them.
TEST_F(Mirrored, NoOrderOfFillExecAndPushShowsAnOlderValue) {
  // Steps: r register the read, s send the EXEC, f store the fill, p take the push, a settle.
  std::string steps = "afprs";
  std::sort(steps.begin(), steps.end());
  do {
    const auto at = [&](char c) { return steps.find(c); };
    if (at('r') > at('f') || at('s') > at('a')) continue;
    Validity fresh(1);
    test::MemoryTables store;
    Token read, sent;
    const bool read_first = at('r') < at('s');
    // What the server held when the read was answered: read before the EXEC, or after.
    const std::string read_value = read_first ? "before" : "ours";
    auto with = [&](auto&& change) {
      auto transaction = store.begin();
      RowWriter rows(**transaction, keys, fresh);
      ASSERT_TRUE(change(rows));
      ASSERT_TRUE((*transaction)->commit());
    };
    with([&](RowWriter& rows) {
      return rows.pending({WriteOp::kSet, "i5", {}, "ours", 0}, 1, false);
    });
    for (char step : steps) {
      switch (step) {
        case 'r': read = fresh.now(); break;
        case 's':
          sent = fresh.sending();
          fresh.written();
          break;
        case 'f':
          with([&](RowWriter& rows) { return rows.fill(attr, text(read_value), read); });
          break;
        case 'p': fresh.invalidated("i5"); break;
        case 'a':
          with([&](RowWriter& rows) -> Result<void> {
            MDP_TRY_VOID(rows.applied({WriteOp::kSet, "i5", {}, "ours", 0}, sent));
            return rows.settled({WriteOp::kSet, "i5", {}, "ours", 0}, 1);
          });
          break;
      }
    }
    auto transaction = store.begin();
    LocalView view(facts, keys, open, fresh, **transaction, fetched, false);
    auto answer = view.raw(attr);
    // A push after the EXEC tells of a newer value: nothing that we have may be shown. One
    // before it was of an older value, and the EXEC proved that it was seen.
    const bool newer_elsewhere = at('p') > at('s');
    if (newer_elsewhere && at('r') < at('p')) {
      EXPECT_FALSE(answer) << steps;
    } else if (answer) {
      EXPECT_EQ(answer->bytes, "ours") << steps;
    }
  } while (std::next_permutation(steps.begin(), steps.end()));
}

// Another client has put back what our EXEC removed, and the listing that shows it is stored
// before the EXEC is settled: its row agrees with the listing and keeps its older token.
TEST_F(Mirrored, AListingBehindOurExecKnowsBetter) {
  const ReadKey all{ReadKind::kHash, "d5", {}, true};
  const RawValue listing{true, {}, 0, {}, {{"name", "entry"}}};
  fill(all, listing, validity.now());
  pending({WriteOp::kHDel, "d5", "name", {}, 0}, 1);
  const Token sent = validity.sending();
  validity.written();
  validity.invalidated("d5");
  fill(all, listing, validity.now());
  applied({WriteOp::kHDel, "d5", "name", {}, 0}, sent);
  settled({WriteOp::kHDel, "d5", "name", {}, 0}, 1);
  const auto now = seen(name);
  ASSERT_TRUE(now);
  EXPECT_TRUE(now->exists);
  EXPECT_EQ(now->bytes, "entry");
}

TEST_F(Mirrored, OurPendingChangeIsSeenWhateverTheServerHas) {
  fill(attr, text("server"), validity.now());
  pending({WriteOp::kSet, "i5", {}, "ours", 0}, 1);
  EXPECT_EQ(seen(attr)->bytes, "ours");
  validity.invalidated("i5");
  EXPECT_EQ(seen(attr)->bytes, "ours");
  settled({WriteOp::kSet, "i5", {}, "ours", 0}, 1);
  EXPECT_FALSE(seen(attr)) << "the base was invalidated under it";
}

TEST_F(Mirrored, ANewerPendingChangeStaysOverASettledOne) {
  const Write one{WriteOp::kSet, "i5", {}, "one", 0}, two{WriteOp::kSet, "i5", {}, "two", 0};
  pending(one, 1);
  pending(two, 2);
  applied(one, validity.sending());
  validity.written();
  settled(one, 1);
  EXPECT_EQ(seen(attr)->bytes, "two");
  applied(two, validity.sending());
  validity.written();
  settled(two, 2);
  EXPECT_EQ(seen(attr)->bytes, "two");
}

TEST_F(Mirrored, AnInodeBornHereIsKnownToBeEmpty) {
  pending({WriteOp::kSet, "i5", {}, "attr", 0}, 1, true);
  EXPECT_TRUE(seen(list)->items.empty());
  EXPECT_EQ(seen(count)->count, 0u);
  EXPECT_FALSE(seen(name)->exists);
  EXPECT_TRUE(seen(whole)->fields.empty());
  applied({WriteOp::kSet, "i5", {}, "attr", 0}, validity.sending());
  validity.written();
  settled({WriteOp::kSet, "i5", {}, "attr", 0}, 1);
  EXPECT_TRUE(seen(list)->items.empty()) << "also after it was sent";
  validity.invalidated("c5_0");
  EXPECT_FALSE(seen(list));
  EXPECT_EQ(seen(count)->count, 0u);
}

TEST_F(Mirrored, AChunkOfAnInodeBornHereIsNotEmptyOnceItWasWritten) {
  // A file that was made longer, which writes zeros where there is a list, and then written.
  pending({WriteOp::kSet, "i5", {}, "attr", 0}, 1, true);
  const Write zeros{WriteOp::kRPushX, "c5_0", {}, record('0'), 0};
  const Write slice{WriteOp::kRPush, "c5_0", {}, record('a'), 0};
  uint64_t seq = 1;
  for (const Write& write : {zeros, slice}) {
    pending(write, ++seq);
    const Token sent = validity.sending();
    validity.written();
    applied(write, sent);
    settled(write, seq);
  }
  EXPECT_FALSE(seen(list)) << "it has to be asked for";
}

TEST_F(Mirrored, OneBatchMayPushAndThenPushWhereThereIsAList) {
  fill(list, {true, {}, 0, {record('o')}, {}}, validity.now());
  const Write slice{WriteOp::kRPush, "c5_0", {}, record('a'), 0};
  const Write zeros{WriteOp::kRPushX, "c5_0", {}, record('0'), 0};
  pending(slice, 1);
  pending(zeros, 2);
  const Token sent = validity.sending();
  validity.written();
  applied(slice, sent);
  applied(zeros, sent);
  settled(slice, 1);
  settled(zeros, 2);
  EXPECT_FALSE(seen(list)) << "whether the zeros are there the server has to tell";
}

TEST_F(Mirrored, OneBatchMayRemoveAHashAndWriteAField) {
  const ReadKey attribute{ReadKind::kField, "x5", "user.a", true};
  fill(attribute, text("old"), validity.now());
  const Write gone{WriteOp::kDel, "x5", {}, {}, 0};
  const Write set{WriteOp::kHSet, "x5", "user.a", "new", 0};
  pending(gone, 1);
  pending(set, 2);
  const Token sent = validity.sending();
  validity.written();
  for (const Write& write : {gone, set}) applied(write, sent);
  settled(gone, 1);
  settled(set, 2);
  ASSERT_TRUE(seen(attribute));
  EXPECT_EQ(seen(attribute)->bytes, "new");
}

TEST_F(Mirrored, AppendedRecordsAreSettledOneByOne) {
  pending({WriteOp::kSet, "i5", {}, "attr", 0}, 1, true);
  const Write a{WriteOp::kRPush, "c5_0", {}, record('a'), 0};
  const Write b{WriteOp::kRPush, "c5_0", {}, record('b'), 0};
  pending(a, 2);
  pending(b, 3);
  EXPECT_EQ(seen(list)->items, (std::vector<std::string>{record('a'), record('b')}));
  applied(a, validity.sending());
  validity.written();
  settled(a, 2);
  EXPECT_EQ(seen(list)->items, (std::vector<std::string>{record('a'), record('b')}));
  applied(b, validity.sending());
  validity.written();
  settled(b, 3);
  EXPECT_EQ(seen(list)->items, (std::vector<std::string>{record('a'), record('b')}));
}

TEST_F(Mirrored, AListThatOthersChangedIsAskedForAfterOurAppend) {
  RawValue server;
  server.items = {record('x')};
  fill(list, server, validity.now());
  const Write a{WriteOp::kRPush, "c5_0", {}, record('a'), 0};
  pending(a, 1);
  validity.invalidated("c5_0");
  EXPECT_FALSE(seen(list));
  applied(a, validity.sending());
  validity.written();
  settled(a, 1);
  EXPECT_FALSE(seen(list));
}

TEST_F(Mirrored, AnAnswerFromBeforeOurChangeWasSentIsNotUsedAfterIt) {
  const Token asked = validity.now();
  fetched.put(list, {}, asked);
  fetched.put(whole, {}, asked);
  fetched.put(attr, {}, asked);
  const std::vector<Write> writes = {{WriteOp::kRPush, "c5_0", {}, record('a'), 0},
                                     {WriteOp::kHSet, "d5", "name", "entry", 0},
                                     {WriteOp::kSet, "i5", {}, "attr", 0}};
  for (const Write& write : writes) pending(write, 1);
  const Token sent = validity.sending();
  validity.written();
  for (const Write& write : writes) applied(write, sent);
  for (const Write& write : writes) settled(write, 1);
  validity.invalidated("c5_0");
  validity.invalidated("d5");
  validity.invalidated("i5");
  EXPECT_FALSE(seen(list)) << "the list without our record";
  EXPECT_FALSE(seen(attr));
  EXPECT_FALSE(seen(name));
  auto listing = seen(whole);
  EXPECT_TRUE(!listing || listing->fields.size() == 1);
  fetched.put(list, {true, {}, 0, {record('a')}, {}}, validity.now());
  ASSERT_TRUE(seen(list));
  EXPECT_EQ(seen(list)->items.size(), 1u);
}

TEST_F(Mirrored, AnAnswerFromAnEarlierConnectionIsNotUsed) {
  fetched.put(attr, {}, validity.now());
  EXPECT_TRUE(seen(attr));
  validity.raise_epoch();
  EXPECT_FALSE(seen(attr));
}

TEST_F(Mirrored, AListingAnswersNamesThatItDoesNotHold) {
  RawValue listing;
  listing.fields = {{"name", "dentry"}};
  fill(whole, listing, validity.now());
  EXPECT_EQ(seen(name)->bytes, "dentry");
  EXPECT_FALSE(seen({ReadKind::kField, "d5", "other", true})->exists);
  EXPECT_EQ(seen(count)->count, 1u);
  pending({WriteOp::kHDel, "d5", "name", {}, 0}, 1);
  EXPECT_EQ(seen(count)->count, 0u);
  pending({WriteOp::kHSet, "d5", "other", "mine", 0}, 2);
  EXPECT_EQ(seen(whole)->fields,
            (std::vector<std::pair<std::string, std::string>>{{"other", "mine"}}));
  validity.invalidated("d5");
  EXPECT_FALSE(seen(whole));
  EXPECT_EQ(seen({ReadKind::kField, "d5", "other", true})->bytes, "mine") << "pending rows stay";
}

// F6, the other variant: what settles while a directory is being scanned is in the listing.
TEST_F(Mirrored, AListingThatBeganBeforeOurCreationKeepsTheName) {
  const Token began = validity.now();
  const Write create{WriteOp::kHSet, "d5", "mine", "dentry", 0};
  const Write removal{WriteOp::kHDel, "d5", "theirs", {}, 0};
  pending(create, 1);
  pending(removal, 2);
  const Token sent = validity.sending();
  validity.written();
  applied(create, sent);
  settled(create, 1);
  applied(removal, sent);
  settled(removal, 2);
  RawValue scanned;  // as the server was before our EXEC
  scanned.fields = {{"theirs", "x"}};
  fill(whole, scanned, began);
  EXPECT_TRUE(seen({ReadKind::kField, "d5", "mine", true})->exists);
  EXPECT_FALSE(seen({ReadKind::kField, "d5", "theirs", true})->exists);
}

TEST_F(Mirrored, CountsOfLinksAreAddedUp) {
  const ReadKey parents{ReadKind::kHash, "p5", {}, true};
  RawValue server;
  server.fields = {{"1", "2"}};
  fill(parents, server, validity.now());
  const Write more{WriteOp::kHIncrBy, "p5", "1", {}, 1};
  pending(more, 1);
  pending(more, 2);
  EXPECT_EQ(seen(parents)->fields[0].second, "4");
  applied(more, validity.sending());
  validity.written();
  settled(more, 1);
  EXPECT_EQ(seen(parents)->fields[0].second, "4");
}

// A listing from before has left the row, and one that was asked for right behind our EXEC found
// it to be right: either of an earlier connection, or as others had changed the count meanwhile.
TEST_F(Mirrored, ACountThatWasListedBehindItsExecIsNotAddedUpTwice) {
  const ReadKey parents{ReadKind::kHash, "p5", {}, true};
  RawValue server;
  server.fields = {{"1", "1"}};
  for (const int64_t delta : {-1, 1}) {
    fill(parents, server, validity.now());
    if (delta < 0)
      validity.raise_epoch();
    else
      validity.invalidated("p5");
    const Write ours{WriteOp::kHIncrBy, "p5", "1", {}, delta};
    pending(ours, 1);
    const Token sent = validity.sending();
    validity.written();
    fill(parents, server, validity.now());
    applied(ours, sent);
    settled(ours, 1);
    EXPECT_EQ(seen(parents)->fields, server.fields) << delta;
  }
}

// An entry of ours came, was sent and evicted while a number of entries was on its way.
TEST_F(Mirrored, ANumberOfEntriesFromBeforeAnEvictionDoesNotCount) {
  fetched.put(count, {}, validity.now());
  EXPECT_EQ(seen(count)->count, 0u);
  const Write ours{WriteOp::kHSet, "d5", "mine", "x", 0};
  pending(ours, 1);
  const Token sent = validity.sending();
  validity.written();
  applied(ours, sent);
  settled(ours, 1);
  validity.forget(sent);
  change([&](RowWriter& rows) { return rows.save(row_key("d5", "mine"), {}); });
  EXPECT_FALSE(seen(count));
}

TEST_F(Mirrored, UndoShowsTheServersValueAgain) {
  fill(attr, text("server"), validity.now());
  const Write ours{WriteOp::kSet, "i5", {}, "ours", 0};
  pending(ours, 1);
  change([&](RowWriter& rows) { return rows.drop_pending(ours); });
  EXPECT_EQ(seen(attr)->bytes, "server");
}

TEST_F(Mirrored, ARemovedHashIsEmptyAtOnce) {
  RawValue server;
  server.fields = {{"user.a", "1"}};
  fill({ReadKind::kHash, "x5", {}, true}, server, validity.now());
  pending({WriteOp::kDel, "x5", {}, {}, 0}, 1);
  EXPECT_FALSE(seen({ReadKind::kField, "x5", "user.a", true})->exists);
  EXPECT_FALSE(seen({ReadKind::kField, "x5", "user.b", true})->exists);
  pending({WriteOp::kHSet, "x5", "user.c", "3", 0}, 2);
  EXPECT_TRUE(seen({ReadKind::kField, "x5", "user.c", true})->exists);
}

}  // namespace
}  // namespace fastmeta::engine
