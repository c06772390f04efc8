// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/answer_text.h"

#include <gtest/gtest.h>

#include "cli/pages.h"

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

TEST(AnswerText, SaysHowAVolumeIs) {
  const std::string text = status_text(Json::parse(R"({
      "volume": "vol", "mount_point": "/mnt", "state": "read-only", "reason": "too many conflicts",
      "buffered_bytes": 0, "backlog": 3, "pid": 12, "since": 0, "version": "1.0",
      "plugin": {"name": "fastmeta", "version": "1.0", "path": "/lib/fastmeta.so"},
      "detail": {"mode": "fast-meta",
                 "backlog": {"records": 3, "bytes": 1024, "oldest_ms": 1500, "sent_per_s": 0.4,
                             "waiting_for_data": 1},
                 "conflicts": {"total": 101, "unreported": 2},
                 "cache": {"hits": 3, "misses": 1, "rows": 10, "epoch": 2},
                 "store": {"bytes_on_disk": 1, "log_bytes": 2, "bytes_in_cache": 3},
                 "server": {"connected": true, "url": "redis://h", "version": "7"}}})"));
  for (const char* line :
       {"volume       vol on /mnt\n", "state        read-only: too many conflicts\n",
        "not sent yet 0 B buffered, 3 changes\n", "mode         fast-meta\n",
        "backlog      3 changes, 1.0 KiB, the oldest 1.5 s old; 1 wait for data\n",
        "sent         0 changes/s\n", "conflicts    101, 2 not told to their programs yet\n",
        "cache        10 rows, hit ratio 0.750, epoch 2\n",
        "server       connected to redis://h, version 7\n", "process      12 since ",
        "plugin       fastmeta 1.0 from /lib/fastmeta.so\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
}

// The daemon of a mount is a process of who has mounted it, and answers what that user wants.
TEST(AnswerText, HasATextForWhateverAStrangerAnswers) {
  const Json odd[] = {Json(), Json(5), Json("text"), Json::array({1, "x"}), Json::object(),
                      Json::parse(R"({"state": 5, "reason": {"a": 1}, "pid": "x", "since": "now",
                                      "volume": ["v"], "backlog": -1, "plugin": 7,
                                      "detail": {"backlog": 1, "cache": [], "conflicts": "x",
                                                 "store": null, "mode": 3, "server": {
                                                     "connected": "yes", "url": 1}}})"),
                      Json::parse(R"({"seq": {"hex": 5}, "name": {"hex": []}, "op": null})"),
                      Json::parse(R"({"damage": {"hex": {}}, "id": 1e300})")};
  for (const Json& json : odd) {
    EXPECT_NE(status_text(json).find("state"), std::string::npos);
    EXPECT_FALSE(record_text(json).empty());
    EXPECT_FALSE(conflict_text(json).empty());
    (void)flat_text(json);
    EXPECT_EQ(number_at(json, "/left"), 0u);
  }
}

TEST(AnswerText, HasNothingThatATerminalObeys) {
  const Json json = Json::parse(R"({"state": "a\u001b[2Jb\u007f\u009bc", "name\r": "x\ny"})");
  EXPECT_NE(status_text(json).find("state        a?[2Jb??c\n"), std::string::npos);
  EXPECT_NE(flat_text(json).find("x?y\n"), std::string::npos);
  EXPECT_EQ(printable("\xc3\xa4 \xc2\xa0"), "\xc3\xa4 \xc2\xa0") << "letters stay";
}

TEST(Pages, AStrangersNeverEnd) {
  for (const char* page : {R"({"records": [], "more": true})",
                           R"({"records": [{"seq": 1}, {"seq": 1}], "more": true})",
                           R"({"records": [5], "more": true})", R"({"records": [{"seq": "1"}]})",
                           R"({"more": true})", "[]"}) {
    int asked = 0;
    const auto ask = [&](const std::string&, const std::string&) {
      EXPECT_LT(++asked, 10) << page;
      return asked < 10 ? std::optional(Json::parse(page)) : std::nullopt;
    };
    EXPECT_FALSE(for_each_item(ask, kRecordPages, true, [](const Json&) { return true; })) << page;
  }
  EXPECT_TRUE(for_each_item(
      [](const std::string&, const std::string&) {
        return std::optional(Json::parse(R"({"records": [{"seq": 1}], "more": "yes"})"));
      },
      kRecordPages, true, [](const Json&) { return true; }));
}

}  // namespace
}  // namespace fastmeta::host
