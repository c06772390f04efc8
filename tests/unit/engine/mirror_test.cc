// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to rows while an answer is on its way to them.
#include "engine/fastmeta/mirror.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/fastmeta/evictor.h"
#include "engine/fastmeta/row_writer.h"
#include "support/lone_parts.h"

namespace fastmeta::engine {
namespace {

using model::Write;

// Answers every command with "old".
class SlowServer final : public test::NoClient {
 public:
  std::function<void()> meanwhile;

  Result<std::vector<redis::Reply>> read(std::span<const redis::Command> commands,
                                         Deadline) override {
    meanwhile();
    redis::Reply old;
    old.kind = redis::Reply::Kind::kText;
    old.text = "old";
    return std::vector(commands.size(), old);
  }
};

struct Fills : testing::Test {
  void change(const std::function<Result<void>(RowWriter&)>& with) {
    auto transaction = lone.tables.begin();
    ASSERT_TRUE(transaction);
    RowWriter rows(**transaction, lone.keys, lone.validity);
    ASSERT_TRUE(with(rows));
    ASSERT_TRUE((*transaction)->commit());
  }
  Row row() {
    auto transaction = lone.tables.begin();
    RowWriter rows(**transaction, lone.keys, lone.validity);
    return *rows.load(row_key("i5"));
  }
  // A change of ours is made, sent and settled.
  void settle_ours() {
    const Write ours{model::WriteOp::kSet, "i5", {}, "new", 0};
    change([&](RowWriter& rows) { return rows.pending(ours, 1, false); });
    const Token sent = lone.validity.sending();
    lone.validity.written();
    change([&](RowWriter& rows) { return rows.applied(ours, sent); });
    change([&](RowWriter& rows) { return rows.settled(ours, 1); });
  }
  void fetch() {
    Fetched fetched;
    ASSERT_TRUE(mirror.fetch({{{model::ReadKind::kString, "i5", {}, true}}}, fetched));
  }

  test::LoneParts lone;
  SlowServer server;
  Parts parts{server,      lone.tables,      lone.keys, lone.parts.config, lone.validity,
              lone.stripes, lone.backlog,    lone.open, lone.parts.host,   lone.parts.clock,
              Log()};
  Mirror mirror{parts};
};

TEST_F(Fills, AnAnswerFromBeforeOurChangeWasSentDoesNotReplaceIt) {
  server.meanwhile = [&] { settle_ours(); };
  fetch();
  EXPECT_EQ(row().base_value, "new");
}

// No push ever tells of our own change.
TEST_F(Fills, NorDoesItWhenTheRowWasEvictedMeanwhile) {
  config::PluginConfig config;
  config.cache.max_size = 1;
  Parts small{server,      lone.tables,   lone.keys, config,          lone.validity,
              lone.stripes, lone.backlog, lone.open, lone.parts.host, lone.parts.clock, Log()};
  Evictor evictor(small, lone.tables);
  server.meanwhile = [&] {
    settle_ours();
    for (auto more = evictor.pass(); more && *more; more = evictor.pass()) {
    }
    ASSERT_TRUE(row().blank());
  };
  fetch();
  EXPECT_TRUE(row().blank());
}

}  // namespace
}  // namespace fastmeta::engine
