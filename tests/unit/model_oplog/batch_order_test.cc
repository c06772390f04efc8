// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "model/batch_order.h"
#include "pending_volume.h"

namespace fastmeta::test {
namespace {

using How = KeyUse::How;
using Indexes = std::vector<size_t>;

bool share(const KeyUse& a, const KeyUse& b) {
  KeyUses one;
  one.add({a});
  const bool shared = one.shared_by({b});
  KeyUses other;
  other.add({b});
  EXPECT_EQ(other.shared_by({a}), shared);  // either way round
  return shared;
}

TEST(KeyUses, MattersWhatIsWritten) {
  auto value = [](How how) { return KeyUse{"k", {}, true, how}; };
  EXPECT_FALSE(share(value(How::kRead), value(How::kRead)));
  EXPECT_FALSE(share(value(How::kAdd), value(How::kAdd)));
  EXPECT_FALSE(share(value(How::kParent), value(How::kParent)));
  for (How how : {How::kRead, How::kWrite, How::kAdd, How::kParent})
    EXPECT_TRUE(share(value(how), value(How::kWrite)));
  EXPECT_TRUE(share(value(How::kRead), value(How::kAdd)));
  EXPECT_TRUE(share(value(How::kRead), value(How::kParent)));
  EXPECT_TRUE(share(value(How::kAdd), value(How::kParent)));
}

TEST(KeyUses, FieldsAreApartButForTheWhole) {
  const KeyUse a{"d5", "a", false, How::kWrite}, b{"d5", "b", false, How::kWrite};
  EXPECT_FALSE(share(a, b));
  EXPECT_TRUE(share(a, a));
  EXPECT_TRUE(share(a, {"d5", {}, true, How::kRead}));   // HLEN
  EXPECT_TRUE(share(a, {"d5", {}, true, How::kWrite}));  // DEL
  EXPECT_FALSE(share(a, {"d6", "a", false, How::kWrite}));
  EXPECT_FALSE(share({"d5", "a", false, How::kRead}, {"d5", {}, true, How::kRead}));
}

// As the ancestors of a folder's new place, which it does not write.
TEST(KeyUses, WhatARecordReliedOnCountsAsRead) {
  OplogRecord record;
  record.operation = SetattrArgs{};
  record.relied.push_back({{ReadKind::kString, "i7", {}, true}, Reliance::Expect::kInode, 2});
  KeyUses written;
  written.add({{"i7", {}, true, How::kWrite}});
  EXPECT_TRUE(written.shared_by(key_uses(KeySpace(""), record)));
  record.relied[0].read.watch = false;
  EXPECT_FALSE(written.shared_by(key_uses(KeySpace(""), record)));
}

class BatchOrder : public ::testing::Test {
 protected:
  PendingVolume v;
  std::vector<SequencePoint> points;
  std::set<uint64_t> waiting;  // seqs

  Indexes sent(Order order = Order::kPerKey) const {
    std::vector<BatchItem> items;
    for (const OplogRecord& record : v.log)
      items.push_back({&record, key_uses(v.keys, record), waiting.contains(record.seq)});
    return sendable(items, points, order);
  }
};

TEST_F(BatchOrder, OnlyWhatDependsOnASliceWaitsForIt) {
  const Ino f = v.create(kRootIno, "f");                // 0
  const Ino g = v.create(kRootIno, "g");                // 1
  ASSERT_EQ(v.write(f, {0, 1, 8, 0, 8}), 0);            // 2
  ASSERT_EQ(v.write(g, {0, 2, 8, 0, 8}), 0);            // 3
  ASSERT_EQ(v.chmod(f, 0600), 0);                       // 4: i{f}
  v.create(kRootIno, "h");                              // 5: the same parent does not matter
  ASSERT_EQ(v.rename(kRootIno, "f", kRootIno, "k"), 0); // 6: i{f}
  v.create(kRootIno, "f");                              // 7: the name f
  waiting = {3};
  EXPECT_EQ(sent(), (Indexes{0, 1, 3, 5}));
  waiting = {};
  EXPECT_EQ(sent(), (Indexes{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(BatchOrder, WhatIsInANewDirectoryFollowsIt) {
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);  // 0
  const Ino f = v.create(d, "f");                               // 1
  ASSERT_EQ(v.chmod(d, 0700), 0);                               // 2
  v.create(d, "g");                                             // 3
  ASSERT_EQ(v.unlink(d, "f"), 0);                               // 4
  v.create(kRootIno, "e");                                      // 5
  waiting = {1};
  EXPECT_EQ(sent(), (Indexes{5}));
  waiting = {2};  // f is made
  EXPECT_EQ(sent(), (Indexes{0, 5}));
  waiting = {3};
  EXPECT_EQ(sent(), (Indexes{0, 1, 5}));
  EXPECT_NE(f, 0u);
}

TEST_F(BatchOrder, ADirectoryIsRemovedAfterWhatWasInIt) {
  const Ino d = v.create(kRootIno, "d", FileType::kDirectory);  // 0
  v.create(d, "f");                                             // 1
  ASSERT_EQ(v.unlink(d, "f"), 0);                               // 2
  ASSERT_EQ(v.rmdir(kRootIno, "d"), 0);                         // 3
  waiting = {3};
  EXPECT_EQ(sent(), (Indexes{0, 1}));
}

TEST_F(BatchOrder, CausallyWhatFollowsACloseFollowsItsSlices) {
  const Ino data = v.create(kRootIno, "data");       // seq 1
  ASSERT_EQ(v.write(data, {0, 1, 8, 0, 8}), 0);      // 2
  v.create(kRootIno, "before");                      // 3
  v.create(kRootIno, "DONE");                        // 4
  waiting = {2};
  points = {{data, 3}};
  EXPECT_EQ(sent(Order::kCausal), (Indexes{0, 2}));
  EXPECT_EQ(sent(Order::kPerKey), (Indexes{0, 2, 3}));
  points = {{data, 1}};  // closed before that slice
  EXPECT_EQ(sent(Order::kCausal), (Indexes{0, 2, 3}));
  points = {{data + 7, 3}};  // another file
  EXPECT_EQ(sent(Order::kCausal), (Indexes{0, 2, 3}));
  waiting = {};
  points = {{data, 3}};
  EXPECT_EQ(sent(Order::kCausal), (Indexes{0, 1, 2, 3}));
}

// Small cases, all of them: four records over two keys against the definition.
TEST(BatchOrderSmall, IsTheDefinition) {
  const std::vector<KeyUse> alphabet = {
      {"a", {}, true, How::kRead},     {"a", {}, true, How::kWrite},
      {"a", {}, true, How::kParent},   {"h", "f", false, How::kWrite},
      {"h", "g", false, How::kRead},   {"h", {}, true, How::kRead}};
  constexpr size_t kRecords = 4;
  std::vector<OplogRecord> records(kRecords);
  for (size_t i = 0; i < kRecords; ++i) {
    records[i].seq = i + 1;
    records[i].operation = WriteSliceArgs{{}, {}, 1 + i % 2, 0, {}};
  }
  const size_t n = alphabet.size();
  for (size_t code = 0; code < n * n * n * n; ++code) {
    std::vector<BatchItem> items;
    for (size_t i = 0, rest = code; i < kRecords; ++i, rest /= n)
      items.push_back({&records[i], {alphabet[rest % n]}, false});
    for (unsigned held = 0; held < 16; ++held) {
      for (uint64_t point = 0; point <= kRecords; ++point) {
        for (size_t i = 0; i < kRecords; ++i) items[i].waiting = (held >> i & 1) != 0;
        std::vector<bool> waits(kRecords);
        Indexes want;
        for (size_t i = 0; i < kRecords; ++i) {
          bool wait = items[i].waiting;
          for (size_t j = 0; j < i; ++j) {
            if (!waits[j]) continue;
            KeyUses earlier;
            earlier.add(items[j].uses);
            wait = wait || earlier.shared_by(items[i].uses);
            // The point is one of inode 1.
            const bool covered = j % 2 == 0 && records[j].seq <= point;
            wait = wait || (covered && records[i].seq > point);
          }
          waits[i] = wait;
          if (!wait) want.push_back(i);
        }
        ASSERT_EQ(sendable(items, {{1, point}}, Order::kCausal), want)
            << code << " " << held << " " << point;
      }
    }
  }
}

// Sent first what may be, then the rest: the server ends up the same.
TEST(BatchOrderRandom, OvertakingChangesNothing) {
  Dice dice(random_seed());
  size_t overtakers = 0;
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    PendingVolume v;
    v.facts.trash = round % 2 == 0;
    v.facts.dir_mtime_step_ns = 0;  // a step makes the parents' times depend on the order
    MemoryStore server = v.store;
    for (int i = 0; i < 80; ++i) (void)v.run(random_operation(dice, v)).has_value();
    std::vector<BatchItem> items;
    for (const OplogRecord& record : v.log)
      items.push_back({&record, key_uses(v.keys, record), dice.one_in(8)});
    std::vector<const OplogRecord*> first, second;
    const Indexes now = sendable(items, {}, Order::kPerKey);
    for (size_t i = 0; i < items.size(); ++i)
      (std::ranges::binary_search(now, i) ? first : second).push_back(items[i].record);
    if (!second.empty())
      overtakers += std::ranges::count_if(
          first, [&](const OplogRecord* r) { return r->seq > second.front()->seq; });
    reintegrate(server, v, first);
    reintegrate(server, v, second);
    EXPECT_TRUE(server == v.store);
  }
  EXPECT_GT(overtakers, 200u);
}

}  // namespace
}  // namespace fastmeta::test
