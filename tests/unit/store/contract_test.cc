// SPDX-License-Identifier: GPL-3.0-or-later
// What store/tables.h promises, asked of WiredTiger and of the tables in memory.
#include <random>

#include "memory_tables/memory_tables.h"
#include "rig.h"

namespace fastmeta::store::test {
namespace {

struct OnDisk {
  TempDir dir;
  std::unique_ptr<Store> store = must_open(options_in(dir.path()));
  Tables& tables() { return *store; }
};

struct InMemory {
  fastmeta::test::MemoryTables memory;
  Tables& tables() { return memory; }
};

template <typename Rig>
class TablesContract : public ::testing::Test {
 protected:
  std::unique_ptr<Transaction> begin() {
    auto tx = rig_.tables().begin();
    MDP_CHECK(tx);
    return std::move(*tx);
  }
  Tables& tables() { return rig_.tables(); }

  Rig rig_;
};

using Rigs = ::testing::Types<OnDisk, InMemory>;
TYPED_TEST_SUITE(TablesContract, Rigs);

Fault fault_of(const Result<void>& result) {
  return result ? Fault::kAnswer : result.error().fault;
}

TYPED_TEST(TablesContract, GivesBackWhatWasCommitted) {
  put(this->tables(), "k", "v");
  EXPECT_EQ(get(this->tables(), "k"), "v");
  EXPECT_EQ(get(this->tables(), "other"), std::nullopt);
  put(this->tables(), "k", "");
  EXPECT_EQ(get(this->tables(), "k"), "");
}

TYPED_TEST(TablesContract, TakesAnyBytes) {
  const std::string key("\0a\xff\0", 4), value("\0\xff\0", 3);
  put(this->tables(), key, value);
  const std::string big(3 << 20, 'x');
  put(this->tables(), "big", big);
  put(this->tables(), std::string(20000, 'k'), "long key");
  EXPECT_EQ(get(this->tables(), key), value);
  EXPECT_EQ(get(this->tables(), ""), std::nullopt);
  EXPECT_EQ(get(this->tables(), "big"), big);
  EXPECT_EQ(get(this->tables(), std::string(20000, 'k')), "long key");
  EXPECT_EQ(all(this->tables()).size(), 3U);
}

TYPED_TEST(TablesContract, KeepsTablesApart) {
  put(this->tables(), "k", "row", Table::kRows);
  put(this->tables(), "k", "record", Table::kOplog);
  EXPECT_EQ(get(this->tables(), "k", Table::kRows), "row");
  EXPECT_EQ(get(this->tables(), "k", Table::kOplog), "record");
  EXPECT_EQ(get(this->tables(), "k", Table::kApplied), std::nullopt);
  EXPECT_TRUE(all(this->tables(), Table::kJournal).empty());
}

TYPED_TEST(TablesContract, ShowsATransactionItsOwnWritesAndNobodyElse) {
  put(this->tables(), "a", "old");
  auto tx = this->begin();
  ASSERT_TRUE(tx->put(Table::kRows, "a", "new"));
  ASSERT_TRUE(tx->put(Table::kRows, "b", "new"));
  EXPECT_EQ(*tx->get(Table::kRows, "a"), "new");
  EXPECT_EQ(get(this->tables(), "a"), "old");
  ASSERT_TRUE(tx->erase(Table::kRows, "a"));
  EXPECT_EQ(*tx->get(Table::kRows, "a"), std::nullopt);
  ASSERT_TRUE(tx->commit());
  EXPECT_EQ(get(this->tables(), "a"), std::nullopt);
  EXPECT_EQ(get(this->tables(), "b"), "new");
}

TYPED_TEST(TablesContract, RollsBackWhatIsNotCommitted) {
  put(this->tables(), "a", "old");
  {
    auto tx = this->begin();
    ASSERT_TRUE(tx->put(Table::kRows, "a", "new"));
    ASSERT_TRUE(tx->put(Table::kOplog, "b", "new"));
  }
  EXPECT_EQ(get(this->tables(), "a"), "old");
  EXPECT_EQ(get(this->tables(), "b", Table::kOplog), std::nullopt);
  EXPECT_GE(this->tables().stats().rollbacks, 1U);
  put(this->tables(), "a", "newer");  // no trace of it is in the way
}

TYPED_TEST(TablesContract, ReadsTheSnapshotOfTheFirstAccess) {
  put(this->tables(), "a", "1");
  auto early = this->begin();
  put(this->tables(), "a", "2");
  EXPECT_EQ(*early->get(Table::kRows, "a"), "2");  // begin() alone takes none
  put(this->tables(), "a", "3");
  put(this->tables(), "b", "3");
  EXPECT_EQ(*early->get(Table::kRows, "a"), "2");
  EXPECT_EQ(*early->get(Table::kRows, "b"), std::nullopt);
  int rows = 0;
  ASSERT_TRUE(early->scan(Table::kRows, "", [&](auto, auto) { return ++rows > 0; }));
  EXPECT_EQ(rows, 1);
}

TYPED_TEST(TablesContract, RefusesToWriteWhatAnotherTransactionIsWriting) {
  auto first = this->begin(), second = this->begin();
  ASSERT_TRUE(first->put(Table::kRows, "a", "first"));
  EXPECT_EQ(fault_of(second->put(Table::kRows, "a", "second")), Fault::kConflict);
  // It stays in conflict, until it is dropped.
  EXPECT_EQ(fault_of(second->put(Table::kRows, "b", "second")), Fault::kConflict);
  EXPECT_EQ(fault_of(second->commit()), Fault::kConflict);
  second.reset();
  ASSERT_TRUE(first->commit());
  EXPECT_EQ(get(this->tables(), "a"), "first");
  put(this->tables(), "a", "again");
}

TYPED_TEST(TablesContract, RefusesToWriteWhatWasCommittedAfterItsSnapshot) {
  put(this->tables(), "a", "1");
  auto tx = this->begin();
  EXPECT_EQ(*tx->get(Table::kRows, "a"), "1");
  put(this->tables(), "a", "2");
  EXPECT_EQ(fault_of(tx->erase(Table::kRows, "a")), Fault::kConflict);
  tx.reset();
  EXPECT_EQ(get(this->tables(), "a"), "2");

  auto blind = this->begin();
  EXPECT_EQ(*blind->get(Table::kRows, "absent"), std::nullopt);
  put(this->tables(), "absent", "there");
  EXPECT_EQ(fault_of(blind->put(Table::kRows, "absent", "x")), Fault::kConflict);
}

TYPED_TEST(TablesContract, LetsWritersOfDifferentKeysCommitBoth) {
  auto first = this->begin(), second = this->begin();
  ASSERT_TRUE(first->put(Table::kRows, "a", "1"));
  ASSERT_TRUE(second->put(Table::kRows, "b", "2"));
  ASSERT_TRUE(second->commit());
  ASSERT_TRUE(first->commit());
  EXPECT_EQ(all(this->tables()).size(), 2U);
}

TYPED_TEST(TablesContract, ErasesWhatIsNotThereWithoutAWord) {
  auto tx = this->begin();
  EXPECT_TRUE(tx->erase(Table::kRows, "absent"));
  EXPECT_TRUE(tx->commit());
  EXPECT_TRUE(all(this->tables()).empty());
}

TYPED_TEST(TablesContract, ScansInOrderFromAKeyUntilToldToStop) {
  for (uint64_t n : {5, 1, 256, 3, 65536}) {
    put(this->tables(), number_key(n), std::to_string(n), Table::kOplog);
  }
  std::string seen;
  auto tx = this->begin();
  ASSERT_TRUE(tx->erase(Table::kOplog, number_key(5)));
  ASSERT_TRUE(tx->put(Table::kOplog, number_key(4), "4"));
  ASSERT_TRUE(tx->scan(Table::kOplog, number_key(2), [&](auto key, auto value) {
    seen += std::string(value) + " ";
    return *key_number(key) < 256;
  }));
  EXPECT_EQ(seen, "3 4 256 ");
  seen.clear();
  ASSERT_TRUE(tx->scan(Table::kOplog, number_key(65537), [&](auto, auto) { return true; }));
  ASSERT_TRUE(tx->scan(Table::kOplog, number_key(256), [&](auto, auto value) {
    seen += std::string(value) + " ";
    return true;
  }));
  EXPECT_EQ(seen, "256 65536 ");
}

TYPED_TEST(TablesContract, ServesManyTransactionsAtOnce) {
  std::vector<std::unique_ptr<Transaction>> open;
  for (int i = 0; i < 200; ++i) {
    open.push_back(this->begin());
    ASSERT_TRUE(open.back()->put(Table::kRows, "k" + std::to_string(i), "v"));
  }
  for (auto& tx : open) ASSERT_TRUE(tx->commit());
  EXPECT_EQ(all(this->tables()).size(), 200U);
}

TYPED_TEST(TablesContract, CountsAndSyncs) {
  const auto before = this->tables().stats();
  put(this->tables(), "a", "1");
  EXPECT_TRUE(this->tables().sync());
  EXPECT_TRUE(this->tables().may_write());
  EXPECT_EQ(this->tables().stats().commits, before.commits + 1);
  EXPECT_EQ(this->tables().stats().syncs, before.syncs + 1);
}

TYPED_TEST(TablesContract, RowsAreCounted) {
  const auto rows = [&] { return this->tables().stats().rows; };
  const auto before = rows();
  ASSERT_TRUE(before.has_value());
  put(this->tables(), "a", "1");
  put(this->tables(), "a", "2");
  put(this->tables(), "b", "1");
  EXPECT_EQ(*rows(), *before + 2);
  {
    auto tx = this->begin();
    ASSERT_TRUE(tx->put(Table::kRows, "c", "1"));
    ASSERT_TRUE(tx->put(Table::kOplog, "d", "1"));
    ASSERT_TRUE(tx->erase(Table::kRows, "a"));
    ASSERT_TRUE(tx->erase(Table::kRows, "never"));
    ASSERT_TRUE(tx->put(Table::kRows, "a", "3"));
    ASSERT_TRUE(tx->erase(Table::kRows, "a"));
    ASSERT_TRUE(tx->commit());
  }
  EXPECT_EQ(*rows(), *before + 2);
  {
    auto tx = this->begin();
    ASSERT_TRUE(tx->put(Table::kRows, "rolled back", "1"));
  }
  EXPECT_EQ(*rows(), *before + 2);
}

// The same random work on both, with transactions that overlap: the same answers.
TEST(TablesModel, BothAnswerAlike) {
  OnDisk disk;
  InMemory memory;
  std::mt19937_64 random(20240611);
  struct Pair {
    std::unique_ptr<Transaction> disk, memory;
  };
  std::vector<Pair> open;
  const auto conflicted = [](const auto& result) {
    MDP_CHECK(result || result.error().fault == Fault::kConflict);
    return !result;
  };
  for (int step = 0; step < 20000; ++step) {
    if (open.size() < 4) {
      open.push_back({std::move(*disk.tables().begin()), std::move(*memory.tables().begin())});
    }
    auto& tx = open[random() % open.size()];
    const std::string key(1 + random() % 3, static_cast<char>('a' + random() % 6));
    const std::string value = std::to_string(step);
    const auto close = [&] { open.erase(open.begin() + (&tx - open.data())); };
    switch (random() % 8) {
      case 0:
      case 1: {
        const bool lost = conflicted(tx.disk->put(Table::kRows, key, value));
        ASSERT_EQ(lost, conflicted(tx.memory->put(Table::kRows, key, value))) << step;
        if (lost) close();
        break;
      }
      case 2: {
        const bool lost = conflicted(tx.disk->erase(Table::kRows, key));
        ASSERT_EQ(lost, conflicted(tx.memory->erase(Table::kRows, key))) << step;
        if (lost) close();
        break;
      }
      case 3: {
        std::string from_disk, from_memory;
        const auto into = [](std::string& out) {
          return [&out](std::string_view k, std::string_view v) {
            out.append(k).append("=").append(v).append(" ");
            return out.size() < 40;
          };
        };
        ASSERT_TRUE(tx.disk->scan(Table::kRows, key, into(from_disk)));
        ASSERT_TRUE(tx.memory->scan(Table::kRows, key, into(from_memory)));
        ASSERT_EQ(from_disk, from_memory) << step;
        break;
      }
      case 4:
        ASSERT_TRUE(tx.disk->commit());
        ASSERT_TRUE(tx.memory->commit());
        close();
        break;
      case 5:
        close();
        break;
      default:
        ASSERT_EQ(*tx.disk->get(Table::kRows, key), *tx.memory->get(Table::kRows, key)) << step;
    }
  }
  open.clear();
  EXPECT_EQ(all(disk.tables()), all(memory.tables()));
}

TEST(NumberKeys, SortAsNumbersAndRefuseOtherLengths) {
  EXPECT_LT(number_key(255), number_key(256));
  EXPECT_LT(number_key(256), number_key(UINT64_MAX));
  EXPECT_EQ(*key_number(number_key(0x0102030405060708)), 0x0102030405060708U);
  EXPECT_EQ(key_number("1234567").error().fault, Fault::kCorrupt);
  EXPECT_EQ(key_number("123456789").error().fault, Fault::kCorrupt);
}

}  // namespace
}  // namespace fastmeta::store::test
