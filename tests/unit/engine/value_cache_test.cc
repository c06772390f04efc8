// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passthrough/value_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "model/schema/codec.h"

namespace fastmeta::engine {
namespace {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using std::chrono::milliseconds;

RawValue text(std::string bytes) {
  RawValue v;
  v.exists = true;
  v.bytes = std::move(bytes);
  return v;
}
ReadKey attr(int n) { return {ReadKind::kString, "i" + std::to_string(n), {}, true}; }
ReadKey name(std::string n) { return {ReadKind::kField, "d1", std::move(n), true}; }

struct Cache : ::testing::Test {
  Cache() { cache.enable(); }
  ValueCache cache{1 << 20, milliseconds(60000)};
};

TEST_F(Cache, AnswersWhatWasStored) {
  cache.store(cache.begin(), attr(1), text("x"));
  ASSERT_TRUE(cache.find(attr(1)));
  EXPECT_EQ(cache.find(attr(1))->bytes, "x");
  EXPECT_FALSE(cache.find(attr(2)));
}

TEST_F(Cache, RemembersAbsentNames) {
  cache.store(cache.begin(), name("gone"), RawValue{});
  ASSERT_TRUE(cache.find(name("gone")));
  EXPECT_FALSE(cache.find(name("gone"))->exists);
}

TEST_F(Cache, StoresNothingThatAnInvalidationOvertook) {
  const auto token = cache.begin();
  cache.invalidate("i1");
  cache.store(token, attr(1), text("old"));
  EXPECT_FALSE(cache.find(attr(1)));
  cache.store(token, attr(2), text("of another key"));
  EXPECT_TRUE(cache.find(attr(2)));
}

TEST_F(Cache, StoresNothingOnceTheRingHasTurned) {
  const auto token = cache.begin();
  for (int i = 0; i < 5000; ++i) cache.invalidate("i" + std::to_string(i + 10));
  cache.store(token, attr(1), text("old"));
  EXPECT_FALSE(cache.find(attr(1)));
}

TEST_F(Cache, StoresNothingAcrossALoss) {
  const auto token = cache.begin();
  cache.disable();
  cache.enable();
  cache.store(token, attr(1), text("old"));
  EXPECT_FALSE(cache.find(attr(1)));
}

TEST_F(Cache, DropsAllNamesOfADirectoryWithIt) {
  cache.store(cache.begin(), name("a"), text("123456789"));
  cache.invalidate("d1");
  EXPECT_FALSE(cache.find(name("a")));
}

TEST_F(Cache, AnswersNamesFromACompleteListing) {
  auto listing = std::make_shared<Listing>();
  listing->add("a", {model::FileType::kFile, 7});
  listing->add("broken", {model::FileType::kFile, 0});
  listing->add("a", {model::FileType::kFile, 8});
  EXPECT_EQ(listing->size(), 2u);
  cache.store_listing(cache.begin(), "d1", listing);
  EXPECT_EQ(model::decode_dentry(cache.find(name("a"))->bytes)->ino, 7u);
  EXPECT_FALSE(cache.find(name("b"))->exists);
  EXPECT_FALSE(cache.find(name("broken")));
  EXPECT_EQ(cache.find_listing("d1"), listing);
  cache.invalidate("d1");
  EXPECT_FALSE(cache.find_listing("d1"));
}

TEST_F(Cache, StaysWithinItsBound) {
  for (int i = 0; i < 20000; ++i) cache.store(cache.begin(), attr(i), text(std::string(500, 'x')));
  EXPECT_LE(cache.stats().bytes, 1u << 20);
  EXPECT_GT(cache.stats().evicted, 0u);
  EXPECT_TRUE(cache.find(attr(19999)));
}

TEST_F(Cache, ForgetsAfterItsTime) {
  ValueCache brief(1 << 20, milliseconds(1));
  brief.enable();
  brief.store(brief.begin(), attr(1), text("x"));
  std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE(brief.find(attr(1)));
}

TEST_F(Cache, IsOffWithoutMemory) {
  ValueCache none(0, milliseconds(1000));
  none.enable();
  none.store(none.begin(), attr(1), text("x"));
  EXPECT_FALSE(none.find(attr(1)));
}

model::Write set(int n, std::string value) {
  return {model::WriteOp::kSet, "i" + std::to_string(n), {}, std::move(value), 0};
}
model::Write hset(std::string field, uint64_t ino) {
  return {model::WriteOp::kHSet, "d1", std::move(field),
          model::encode_dentry({model::FileType::kFile, ino}), 0};
}
model::Write hdel(std::string field) {
  return {model::WriteOp::kHDel, "d1", std::move(field), {}, 0};
}

struct WrittenValues : Cache {
  void wrote(const ValueCache::Token& token, const std::vector<model::Write>& writes) {
    std::vector<const model::Write*> all;
    for (const model::Write& write : writes) all.push_back(&write);
    cache.wrote(token, all);
  }
  const ReadKey count{ReadKind::kHashCount, "d1", {}, true};
};

TEST_F(WrittenValues, ReplaceWhatWasKnown) {
  cache.store(cache.begin(), attr(1), text("old"));
  wrote(cache.begin(), {set(1, "new")});
  EXPECT_EQ(cache.find(attr(1))->bytes, "new");
  cache.store(cache.begin(), name("a"), text("123456789"));
  wrote(cache.begin(), {hdel("a"), hset("b", 7)});
  EXPECT_FALSE(cache.find(name("a"))->exists);
  EXPECT_EQ(model::decode_dentry(cache.find(name("b"))->bytes)->ino, 7u);
  EXPECT_FALSE(cache.find(name("c")));
}

// The invalidation of a change behind ours may be handled before we are.
TEST_F(WrittenValues, AreForgottenWhenAnInvalidationCameBehindThem) {
  cache.store(cache.begin(), attr(1), text("old"));
  const auto token = cache.begin();
  cache.invalidate("i1");
  wrote(token, {set(1, "ours")});
  EXPECT_FALSE(cache.find(attr(1)));
}

TEST_F(WrittenValues, CancelReadsThatMayHaveBeenAnsweredBefore) {
  const auto reading = cache.begin(), writing = cache.begin();
  wrote(writing, {set(1, "ours")});
  cache.store(reading, attr(1), text("old"));
  EXPECT_EQ(cache.find(attr(1))->bytes, "ours");
}

TEST_F(WrittenValues, AreForgottenAcrossALoss) {
  const auto token = cache.begin();
  cache.disable();
  cache.enable();
  wrote(token, {set(1, "ours")});
  EXPECT_FALSE(cache.find(attr(1)));
}

TEST_F(WrittenValues, DropWhatCannotBeTold) {
  cache.store(cache.begin(), name("a"), text("123456789"));
  wrote(cache.begin(), {{model::WriteOp::kHIncrBy, "d1", "a", {}, 1}});
  EXPECT_FALSE(cache.find(name("a")));
}

TEST_F(WrittenValues, KeepTheCountRightOrForgetIt) {
  RawValue two;
  two.count = 2;
  cache.store(cache.begin(), count, two);
  cache.store(cache.begin(), name("absent"), RawValue{});
  wrote(cache.begin(), {hset("absent", 7)});
  EXPECT_EQ(cache.find(count)->count, 3u);
  wrote(cache.begin(), {hdel("absent")});
  EXPECT_EQ(cache.find(count)->count, 2u);
  wrote(cache.begin(), {hset("unknown", 8)});
  EXPECT_FALSE(cache.find(count));
}

TEST_F(WrittenValues, AreInTheNextListingAndNotInTheOneThatIsRead) {
  auto before = std::make_shared<Listing>();
  before->add("a", {model::FileType::kFile, 7});
  before->add("b", {model::FileType::kFile, 8});
  cache.store_listing(cache.begin(), "d1", before);
  wrote(cache.begin(), {hdel("a"), hset("c", 9)});
  EXPECT_FALSE(cache.find(name("a"))->exists);
  EXPECT_TRUE(cache.find(name("b"))->exists);
  EXPECT_FALSE(cache.find(name("never there"))->exists);
  EXPECT_EQ(cache.find(count)->count, 2u);
  const auto after = cache.find_listing("d1");
  ASSERT_TRUE(after);
  EXPECT_EQ(before->size(), 2u);
  ASSERT_EQ(after->size(), 2u);
  EXPECT_EQ(after->at(0).name, "b");
  EXPECT_EQ(after->at(1).name, "c");
  EXPECT_EQ(cache.find_listing("d1"), after) << "made once";
  EXPECT_TRUE(cache.find(name("c"))->exists);
}

TEST_F(WrittenValues, AreCountedInBytes) {
  for (int i = 0; i < 20000; ++i) {
    wrote(cache.begin(), {set(i, std::string(500, 'x'))});
    wrote(cache.begin(), {{model::WriteOp::kHSet, "x" + std::to_string(i % 50), "user.k",
                           std::string(static_cast<size_t>(i % 2000), 'x'), 0}});
  }
  EXPECT_LE(cache.stats().bytes, 1u << 20);
  for (int i = 0; i < 20000; ++i) cache.invalidate("i" + std::to_string(i));
  for (int i = 0; i < 50; ++i) cache.invalidate("x" + std::to_string(i));
  EXPECT_EQ(cache.stats().bytes, 0u);
}

// A writer raises a value and then invalidates; readers fill from it. A value
// found after an invalidation returned is never older than that.
TEST_F(Cache, NeverReturnsTheOlderValueAfterAnInvalidation) {
  std::atomic<uint64_t> truth{0}, announced{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      while (!stop) {
        const uint64_t at_least = announced;
        if (auto found = cache.find(attr(1)); found) {
          EXPECT_GE(std::stoull(found->bytes), at_least);
        } else {
          const auto token = cache.begin();
          const uint64_t read = truth;
          std::this_thread::yield();
          cache.store(token, attr(1), text(std::to_string(read)));
        }
      }
    });
  for (uint64_t i = 1; i <= 300000; ++i) {
    truth = i;
    cache.invalidate("i1");
    announced = i;
  }
  stop = true;
  for (auto& r : readers) r.join();
}

}  // namespace
}  // namespace fastmeta::engine
