// SPDX-License-Identifier: GPL-3.0-or-later
// What is remembered of the trash directory of the hour, and for how long.
#include <gtest/gtest.h>

#include <set>

#include "engine/trash_hour.h"
#include "model/schema/codec.h"
#include "support/memory_store.h"
#include "support/no_client.h"
#include "support/store_view.h"

namespace fastmeta::test {
namespace {

using model::Ino;

class StoreServer final : public engine::Executor {
 public:
  StoreServer() {
    model::Attr attr;
    attr.type = model::FileType::kDirectory;
    store.values()[keys.attr(model::kTrashIno)] = model::encode_attr(attr);
  }
  Result<void> read(const engine::ReadRule& rule, bool) override {
    ++asked;
    return run([&](const model::View& seen, model::Mutations&) { return rule(seen); });
  }
  Result<model::OperationReply> apply(const model::Operation&,
                                      const engine::WriteHints&) override {
    return Error::answer(ENOSYS);
  }
  Result<void> write(const engine::WriteRule& rule, const engine::WriteHints&) override {
    if (recovering) return Error::answer(EROFS);
    return run(rule);
  }
  Result<void> release(const engine::WriteRule& rule) override { return run(rule); }

  const model::KeySpace keys{""};
  MemoryStore store;
  int asked = 0;
  bool recovering = false;

 private:
  template <typename Rule>
  Result<void> run(const Rule& rule) {
    StoreView view(store, facts_, keys, open_);
    auto done = run_rule(view, rule);
    if (done.result) store.apply(done.out);
    return std::move(done.result);
  }
  const model::VolumeFacts facts_{};
  const std::set<Ino> open_;
};

class Connected final : public NoClient {
 public:
  uint64_t epoch() const override { return number; }
  uint64_t number = 1;
};

struct SetClock final : Clock {
  Timestamp now() const override { return time; }
  Timestamp time{1'800'000'000, 0};
};

class TrashHours : public ::testing::Test {
 protected:
  StoreServer server;
  Connected client;
  SetClock clock;
  uint64_t drawn = 0;
  engine::TrashHour hour{client, clock, [this] { return Result<uint64_t>(++drawn); }};
};

TEST_F(TrashHours, AreAskedForOnceAndMadeOnce) {
  EXPECT_EQ(hour.last(), 0u);
  EXPECT_EQ(hour.current(server).value(), model::kTrashIno + 1);
  EXPECT_EQ(hour.current(server).value(), model::kTrashIno + 1);
  EXPECT_EQ(server.asked, 1);
  engine::TrashHour other{client, clock, [] { return Result<uint64_t>(99); }};
  EXPECT_EQ(other.current(server).value(), model::kTrashIno + 1);
  clock.time.sec += 3600;
  EXPECT_EQ(hour.current(server).value(), model::kTrashIno + 2);
  EXPECT_EQ(hour.last(), model::kTrashIno + 2);
}

TEST_F(TrashHours, AreLookedForAgainOverAnotherConnection) {
  const MemoryStore before = server.store;
  ASSERT_EQ(hour.current(server).value(), model::kTrashIno + 1);
  server.store = before;  // a server that has forgotten its last second
  ++client.number;
  EXPECT_EQ(hour.current(server).value(), model::kTrashIno + 2);
  EXPECT_TRUE(server.store.get<std::string>(server.keys.attr(model::kTrashIno + 2)));
}

// What is to be sent first may be a removal.
TEST_F(TrashHours, AreMadeBeforeAnybodyElseMayWrite) {
  server.recovering = true;
  EXPECT_EQ(hour.current(server).value(), model::kTrashIno + 1);
}

}  // namespace
}  // namespace fastmeta::test
