// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to rows while an answer is on its way to them.
#include "engine/fastmeta/mirror.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/fastmeta/evictor.h"
#include "engine/fastmeta/row_reader.h"
#include "engine/fastmeta/row_writer.h"
#include "model/schema/codec.h"
#include "support/lone_parts.h"
#include "support/slow_server.h"

namespace fastmeta::engine {
namespace {

using model::Write;
using redis::Reply;

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
  void make(const Write& ours) {
    change([&](RowWriter& rows) { return rows.pending(ours, 1, false); });
    lone.backlog.added(1, 1, {}, 0, 0);
  }
  // Sent and settled.
  void settle(const Write& ours) {
    const Token sent = lone.validity.sending();
    lone.validity.written();
    change([&](RowWriter& rows) { return rows.applied(ours, sent); });
    change([&](RowWriter& rows) { return rows.settled(ours, 1); });
    lone.backlog.removed(1);
  }
  void fetch() {
    server.answer = text("old");
    Fetched fetched;
    ASSERT_TRUE(mirror.fetch({{{model::ReadKind::kString, "i5", {}, true}}}, fetched));
  }
  static Reply text(std::string bytes) { return {Reply::Kind::kText, std::move(bytes), 0, {}}; }
  static Reply list(std::vector<Reply> items) {
    return {Reply::Kind::kArray, {}, 0, std::move(items)};
  }
  Parts parts_with(const config::PluginConfig& config) {
    return {server,       lone.tables,  lone.keys, config,          lone.validity,
            lone.stripes, lone.backlog, lone.open, lone.parts.host, lone.parts.clock, Log()};
  }

  const Write ours{model::WriteOp::kSet, "i5", {}, "new", 0};
  test::LoneParts lone;
  test::SlowServer server;
  Parts parts = parts_with(lone.config);
  Mirror mirror{parts};
};

TEST_F(Fills, AnAnswerFromBeforeOurChangeWasSentDoesNotReplaceIt) {
  server.meanwhile = [&] {
    make(ours);
    settle(ours);
  };
  fetch();
  EXPECT_EQ(row().base_value, "new");
}

// No push ever tells of our own change.
TEST_F(Fills, NorDoesItWhenTheRowWasEvictedMeanwhile) {
  config::PluginConfig config;
  config.cache.max_size = 1;
  Parts small = parts_with(config);
  Evictor evictor(small, lone.tables);
  server.meanwhile = [&] {
    make(ours);
    settle(ours);
    for (auto more = evictor.pass(); more && *more; more = evictor.pass()) {
    }
    ASSERT_TRUE(row().blank());
  };
  fetch();
  EXPECT_TRUE(row().blank());
}

TEST_F(Fills, AListingFromBeforeOurRemovalWasSentDoesNotShowTheName) {
  const Write removal{model::WriteOp::kHDel, "d5", "gone", {}, 0};
  make(removal);
  server.answer = list({text("0"), list({text("gone"), text(model::encode_dentry(
                                                           {model::FileType::kFile, 6}))})});
  server.meanwhile = [&] {
    settle(removal);
    lone.validity.invalidated("d5");  // so that the listing is not stored
    server.meanwhile = {};
  };
  RowReader reader(parts, mirror, lone.keys, 5);
  const auto page = reader.page(0, 10, false);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->empty());
}

}  // namespace
}  // namespace fastmeta::engine
