// SPDX-License-Identifier: GPL-3.0-or-later
#include "world.h"

#include "model/schema/codec.h"

namespace fastmeta::test {
namespace {

constexpr uint32_t kR = 0, kW = 1, kU = 2;

class LockRules : public ::testing::Test {
 protected:
  int flock(uint64_t owner, LockType type) {
    return code_of(w.run([&](const View& seen, Mutations& to) {
      return model::flock(seen, 5, owner, type, to);
    }));
  }
  int set(uint64_t owner, LockRange range) {
    return code_of(w.run(
        [&](const View& seen, Mutations& to) { return set_plock(seen, 5, owner, range, to); }));
  }
  Result<LockRange> get(uint64_t owner, LockRange range) {
    return w.run([&](const View& seen, Mutations&) { return get_plock(seen, 5, owner, range); });
  }
  std::vector<LockRange> held(uint64_t owner) {
    auto value = w.store.field("lockp5", encode_lock_owner({w.facts.session, owner}));
    return value ? *decode_lock_ranges(*value) : std::vector<LockRange>{};
  }
  void other_session(const std::string& key, const std::string& field, const std::string& value) {
    Mutations m;
    m.hset(key, field, value);
    w.store.apply(m);
  }
  World w;
};

TEST_F(LockRules, FlockSharedAndExclusive) {
  EXPECT_EQ(flock(1, LockType::kRead), 0);
  EXPECT_EQ(w.writes(),
            (Lines{"HSET lockf5 7_0000000000000001 R", "SADD locked7 lockf5"}));
  EXPECT_EQ(w.watched, (std::set<std::string>{"lockf5"}));
  EXPECT_EQ(flock(2, LockType::kRead), 0);
  EXPECT_EQ(flock(1, LockType::kWrite), EAGAIN);
  EXPECT_EQ(flock(2, LockType::kNone), 0);
  EXPECT_EQ(w.writes(), (Lines{"HDEL lockf5 7_0000000000000002"}));  // the session holds another
  EXPECT_EQ(flock(1, LockType::kWrite), 0);
  EXPECT_EQ(flock(0xABCDEF, LockType::kRead), EAGAIN);
  EXPECT_EQ(flock(1, LockType::kNone), 0);
  EXPECT_EQ(w.writes(), (Lines{"HDEL lockf5 7_0000000000000001", "SREM locked7 lockf5"}));
  EXPECT_EQ(flock(1, LockType::kNone), 0);
  EXPECT_TRUE(w.out.empty());
}

TEST_F(LockRules, FlockOfAnotherSession) {
  other_session("lockf5", "77_0000000000000001", "R");
  EXPECT_EQ(flock(1, LockType::kWrite), EAGAIN);
  EXPECT_EQ(flock(1, LockType::kRead), 0);
  EXPECT_EQ(flock(1, LockType::kNone), 0);
  EXPECT_EQ(w.writes().back(), "SREM locked7 lockf5");  // "77_" is not ours
  other_session("lockf5", "77_0000000000000001", "?");
  EXPECT_EQ(flock(1, LockType::kRead), kCorruptCode);
}

TEST_F(LockRules, WithoutASession) {
  w.facts.session = 0;
  EXPECT_EQ(flock(1, LockType::kRead), ENOLCK);
  EXPECT_EQ(set(1, {kR, 1, 0, 9}), ENOLCK);
  EXPECT_EQ(code_of(get(1, {kR, 1, 0, 9})), ENOLCK);
}

TEST_F(LockRules, PlockSplitsAndMerges) {
  EXPECT_EQ(set(1, {kW, 42, 0, 99}), 0);
  EXPECT_EQ(w.writes().back(), "SADD locked7 lockp5");
  EXPECT_EQ(set(1, {kR, 42, 40, 59}), 0);
  EXPECT_EQ(held(1), (std::vector<LockRange>{{kW, 42, 0, 39}, {kR, 42, 40, 59}, {kW, 42, 60, 99}}));
  EXPECT_EQ(set(1, {kU, 42, 50, 69}), 0);
  EXPECT_EQ(held(1), (std::vector<LockRange>{{kW, 42, 0, 39}, {kR, 42, 40, 49}, {kW, 42, 70, 99}}));
  EXPECT_EQ(set(1, {kW, 42, 40, 69}), 0);
  EXPECT_EQ(held(1), (std::vector<LockRange>{{kW, 42, 0, 99}}));
  EXPECT_EQ(set(1, {kW, 43, 100, 109}), 0);  // another process: not merged
  EXPECT_EQ(held(1).size(), 2u);
  EXPECT_EQ(set(1, {kU, 0, 0, UINT64_MAX}), 0);
  EXPECT_EQ(w.writes(), (Lines{"HDEL lockp5 7_0000000000000001", "SREM locked7 lockp5"}));
  EXPECT_EQ(set(1, {kU, 0, 0, 5}), 0);
  EXPECT_TRUE(w.out.empty());
}

TEST_F(LockRules, PlockEndOfFileAndBadRanges) {
  EXPECT_EQ(set(1, {kW, 42, 10, UINT64_MAX}), 0);
  EXPECT_EQ(held(1), (std::vector<LockRange>{{kW, 42, 10, INT64_MAX}}));
  EXPECT_EQ(set(1, {kU, 42, 10, 10}), 0);
  EXPECT_EQ(held(1), (std::vector<LockRange>{{kW, 42, 11, INT64_MAX}}));
  EXPECT_EQ(set(1, {kW, 42, 10, 9}), EINVAL);
  EXPECT_EQ(set(1, {3, 42, 0, 9}), EINVAL);
}

TEST_F(LockRules, PlockConflicts) {
  EXPECT_EQ(set(1, {kR, 42, 0, 9}), 0);
  EXPECT_EQ(set(1, {kW, 42, 20, 29}), 0);
  EXPECT_EQ(set(2, {kR, 43, 0, 19}), 0);
  EXPECT_EQ(set(2, {kW, 43, 9, 9}), EAGAIN);
  EXPECT_EQ(set(2, {kR, 43, 29, 40}), EAGAIN);
  EXPECT_EQ(set(2, {kW, 43, 10, 19}), 0);
  EXPECT_EQ(*get(2, {kW, 43, 5, 100}), (LockRange{kR, 42, 0, 9}));
  EXPECT_EQ(*get(2, {kR, 43, 5, 100}), (LockRange{kW, 42, 20, 29}));
  EXPECT_EQ(get(2, {kW, 43, 30, 100})->type, kU);
  EXPECT_EQ(get(1, {kR, 42, 0, 9})->type, kU);
}

TEST_F(LockRules, PlockHolderInAnotherSessionHasNoPid) {
  other_session("lockp5", "9_0000000000000001", encode_lock_ranges({{kW, 4711, 0, 9}}));
  EXPECT_EQ(*get(1, {kR, 42, 0, 0}), (LockRange{kW, 0, 0, 9}));
  EXPECT_EQ(set(1, {kR, 42, 9, 20}), EAGAIN);
  EXPECT_EQ(set(1, {kR, 42, 10, 20}), 0);
  other_session("lockp5", "9_0000000000000001", "bad");
  EXPECT_EQ(set(1, {kR, 42, 9, 20}), kCorruptCode);
}

}  // namespace
}  // namespace fastmeta::test
