// SPDX-License-Identifier: GPL-3.0-or-later
// Verbs on a local store, in a directory of the test's own.
#include "engine/fastmeta/inspect.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/fastmeta/journal_entry.h"
#include "engine/fastmeta/record_json.h"
#include "model/oplog_record.h"
#include "store/store.h"

namespace fastmeta::engine {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kVolume = "0c8f2b1e-7a39-4f0e-9a63-2f1d5c7e9b04";

model::OplogRecord record(uint64_t seq) {
  model::OplogRecord out;
  out.seq = seq;
  out.time = {1'700'000'000, 5};
  model::CreateArgs create;
  create.who.uid = 12;
  create.who.gid = 13;
  create.who.umask = 022;
  create.parent = 1;
  create.name = "n" + std::to_string(seq);
  create.mode = 0666;
  create.ino = 100 + seq;
  out.operation = create;
  out.pid = 77;
  out.relied.push_back({{model::ReadKind::kField, "d1", create.name},
                        model::Reliance::Expect::kAbsent});
  out.writes.push_back({model::WriteOp::kHSet, "d1", create.name, std::string("\1\0x", 3), 0});
  out.used_inodes = 1;
  return out;
}

class Inspect : public testing::Test {
 protected:
  Inspect() {
    std::string pattern = testing::TempDir() + "fastmeta-inspect-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    config_.mode = config::Mode::kFastMeta;
    config_.cache.dir = folder_;
    config_.store.cache_size = 16u << 20;
  }
  ~Inspect() override { std::filesystem::remove_all(folder_); }

  std::string meta(const std::string& volume = kVolume) const {
    return folder_ + "/" + volume + "/meta";
  }
  std::unique_ptr<store::Store> open(const std::string& volume = kVolume) const {
    store::StoreOptions options;
    options.dir = meta(volume);
    options.volume = volume;
    options.cache_bytes = 16u << 20;
    options.free_space_reserve = 0;
    auto opened = store::Store::open(options, Log());
    if (!opened) ADD_FAILURE() << opened.error().text;
    return opened ? std::move(*opened) : nullptr;
  }
  static void put(store::Tables& tables, store::Table table, uint64_t number,
                  const std::string& bytes) {
    auto transaction = tables.begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE((*transaction)->put(table, store::number_key(number), bytes));
    ASSERT_TRUE((*transaction)->commit());
  }
  // A store with these records and one open conflict, closed as after a clean stop.
  void fill(uint64_t records, bool conflict = true) {
    auto tables = open();
    for (uint64_t seq = 1; seq <= records; ++seq)
      put(*tables, store::Table::kOplog, seq, model::encode_record(record(seq)));
    JournalEntry entry;
    entry.id = 3;
    entry.seq = 9;
    entry.time = {1'700'000'001, 0};
    entry.error = EEXIST;
    entry.reason = "n9 exists by now";
    entry.path_then = std::string("/a\xff", 3);
    entry.record = model::encode_record(record(9));
    entry.undo = {{"i109", std::nullopt}, {"d1", "x"}};
    if (conflict) put(*tables, store::Table::kJournal, 3, encode_entry(entry));
    ASSERT_TRUE(tables->close_clean());
  }
  json ask(const char* verb, const json& request = json::object()) const {
    auto answer = inspect(config_, verb, request.dump(), Log());
    if (!answer) {
      ADD_FAILURE() << verb << ": " << answer.error().text;
      return json::object();
    }
    return json::parse(*answer);
  }
  Error error_of(const char* verb, const std::string& request = "{}") const {
    auto answer = inspect(config_, verb, request, Log());
    EXPECT_FALSE(answer) << *answer;
    return answer ? Error{} : answer.error();
  }

  std::string folder_;
  config::PluginConfig config_;
};

TEST_F(Inspect, ListsRecordsInOrderPageByPage) {
  fill(5);
  const json first = ask("oplog", {{"limit", 2}});
  EXPECT_EQ(first["more"], true);
  ASSERT_EQ(first["records"].size(), 2u);
  const json& one = first["records"][0];
  EXPECT_EQ(one["seq"], 1);
  EXPECT_EQ(one["time"], "2023-11-14T22:13:20.000000005Z");
  EXPECT_EQ(one["op"], "create");
  EXPECT_EQ(one["ino"], 101);
  EXPECT_EQ(one["parent"], 1);
  EXPECT_EQ(one["name"], "n1");
  EXPECT_EQ(one["uid"], 12);
  EXPECT_EQ(one["gid"], 13);
  EXPECT_EQ(one["pid"], 77);
  EXPECT_EQ(one["mode"], "0644");
  EXPECT_FALSE(one.contains("writes"));
  const json rest = ask("oplog", {{"after", 2}});
  EXPECT_EQ(rest["more"], false);
  EXPECT_EQ(rest["records"].size(), 3u);
  EXPECT_EQ(ask("oplog", {{"after", UINT64_MAX}})["records"].size(), 0u);
}

TEST_F(Inspect, ShowsOneRecordInFullWithItsBytes) {
  fill(2);
  const json one = ask("oplog-record", {{"seq", 2}});
  EXPECT_EQ(one["relied"][0]["expect"], "absent");
  EXPECT_EQ(one["relied"][0]["field"], "n2");
  EXPECT_EQ(one["writes"][0]["op"], "HSET");
  EXPECT_EQ(one["writes"][0]["value"]["hex"], "010078");
  EXPECT_EQ(one["used_inodes"], 1);
  std::string bytes;
  const auto hex = one["encoded"].get<std::string>();
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  EXPECT_EQ(bytes, model::encode_record(record(2)));
  EXPECT_EQ(error_of("oplog-record", R"({"seq": 9})").code, ENOENT);
}

TEST_F(Inspect, ShowsConflictsWithWhatUndoNeeds) {
  fill(0);
  const json all = ask("conflicts");
  ASSERT_EQ(all["conflicts"].size(), 1u);
  const json& seen = all["conflicts"][0];
  EXPECT_EQ(seen["id"], 3);
  EXPECT_EQ(seen["seq"], 9);
  EXPECT_EQ(seen["op"], "create");
  EXPECT_EQ(seen["errno"], EEXIST);
  EXPECT_EQ(seen["reason"], "n9 exists by now");
  EXPECT_EQ(seen["path_then"]["hex"], "2f61ff");
  EXPECT_EQ(seen["uid"], 12);
  EXPECT_EQ(seen["state"], "open");
  const json one = ask("conflict", {{"id", 3}});
  EXPECT_EQ(one["record"]["seq"], 9);
  EXPECT_TRUE(one["undo"][0]["server"].is_null());
  EXPECT_EQ(one["undo"][1]["server"], "x");
}

TEST_F(Inspect, TellsOfADamagedRecordAndGoesOn) {
  fill(1);
  {
    auto tables = open();
    put(*tables, store::Table::kOplog, 2, "broken");
    put(*tables, store::Table::kOplog, 3, model::encode_record(record(3)));
  }
  const json all = ask("oplog");
  ASSERT_EQ(all["records"].size(), 3u);
  EXPECT_TRUE(all["records"][1].contains("damage"));
  EXPECT_EQ(all["records"][2]["seq"], 3);
}

TEST_F(Inspect, DropsAStoreOnlyWhenNothingIsLost) {
  fill(2);
  EXPECT_EQ(ask("cache-state"), (json{{"records", 2}, {"conflicts", 1}}));
  for (const char* request : {"{}", R"({"exported": {"records": 2}})",
                              R"({"exported": {"records": 1, "conflicts": 1}})"}) {
    const Error refused = error_of("cache-drop", request);
    EXPECT_EQ(refused.code, EBUSY);
    EXPECT_THAT(refused.text, HasSubstr("2 changes"));
    EXPECT_TRUE(store::store_exists(meta()));
  }
  EXPECT_EQ(ask("cache-drop", {{"exported", {{"records", 2}, {"conflicts", 1}}}}), json::object());
  EXPECT_FALSE(store::store_exists(meta()));
  EXPECT_EQ(error_of("cache-state").code, ENOENT);
}

TEST_F(Inspect, DropsAStoreWithoutUnsentChangesAtOnce) {
  fill(0, false);
  EXPECT_EQ(ask("cache-check")["damage"], "");
  EXPECT_EQ(ask("cache-drop"), json::object());
}

TEST_F(Inspect, ALookLeavesACleanStopCleanAndAnUncleanOneUnclean) {
  fill(1);
  ask("oplog");
  {
    auto tables = open();
    EXPECT_FALSE(tables->unclean_start());
  }
  ask("oplog");
  EXPECT_TRUE(open()->unclean_start());
}

TEST_F(Inspect, FindsTheStoreOfAVolume) {
  fill(1);
  for (const std::string& dir : {folder_, folder_ + "/" + kVolume, meta()}) {
    config_.cache.dir = dir;
    EXPECT_EQ(ask("oplog")["records"].size(), 1u) << dir;
  }
  config_.cache.dir = folder_;
  { auto other = open("11111111-7a39-4f0e-9a63-2f1d5c7e9b04"); }
  EXPECT_THAT(error_of("oplog").text, HasSubstr("several volumes"));
  config_.cache.dir = folder_ + "/none";
  EXPECT_EQ(error_of("oplog").code, ENOENT);
}

TEST_F(Inspect, RefusesAStoreThatIsInUse) {
  fill(1);
  auto tables = open();
  EXPECT_EQ(error_of("oplog").fault, Fault::kConfig);
  EXPECT_TRUE(inspect_tables(*tables, "oplog", "{}"));  // whoever has it may look
}

TEST_F(Inspect, RefusesRequestsThatAreNone) {
  fill(1);
  EXPECT_EQ(error_of("nonsense").code, ENOTSUP);
  for (const char* request : {"[]", "{", R"({"after": -1})", R"({"limit": 0})",
                              R"({"limit": 100000})", R"({"full": 1})"})
    EXPECT_EQ(error_of("oplog", request).code, EINVAL) << request;
}

}  // namespace
}  // namespace fastmeta::engine
