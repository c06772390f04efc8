// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/protocol.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace fastmeta::host {
namespace {

using Json = nlohmann::json;

TEST(ControlProtocol, ARequestGoesThereAndBack) {
  const ControlRequest request{"conflicts.list", R"({"limit":10,"path":"/a \"b\""})"};
  const std::string line = format_request(request);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  std::string why;
  const auto back = parse_request(line, &why);
  ASSERT_TRUE(back) << why;
  EXPECT_EQ(back->verb, request.verb);
  EXPECT_EQ(Json::parse(back->args), Json::parse(request.args));
}

TEST(ControlProtocol, ArgumentsMayBeLeftOut) {
  std::string why;
  const auto request = parse_request(R"({"verb":"status"})", &why);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->args, "{}");
}

TEST(ControlProtocol, WhatIsNoRequestIsRefusedWithAReason) {
  const std::string deep = "{\"verb\":\"a\",\"args\":" + std::string(5000, '[');
  const std::string long_line = "{\"verb\":\"a\",\"x\":\"" + std::string(kRequestMax, 'x') + "\"}";
  for (const std::string& line :
       {std::string(), std::string("\0\xff", 2), std::string("[]"), std::string("{}"),
        std::string("{\"verb\":5}"), std::string("{\"verb\":\"\"}"),
        std::string("{\"verb\":\"a b\"}"), std::string("{\"verb\":\"../x\"}"),
        "{\"verb\":\"" + std::string(65, 'a') + "\"}",
        std::string("{\"verb\":\"a\",\"args\":[]}"), std::string("{\"verb\":\"a\""), deep,
        long_line}) {
    std::string why;
    EXPECT_FALSE(parse_request(line, &why)) << line.substr(0, 80);
    EXPECT_FALSE(why.empty());
  }
}

TEST(ControlProtocol, AnAnswerCarriesJsonAndAnyOtherTextAsAString) {
  auto reply = parse_reply(format_answer(R"({"a":[1,2]})"));
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->ok);
  EXPECT_EQ(reply->text, R"({"a":[1,2]})");
  reply = parse_reply(format_answer("plain text\nof two lines"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "\"plain text\\nof two lines\"");
  const std::string line = format_answer("\xff\xfe");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(parse_reply(line));
}

TEST(ControlProtocol, AFailureCarriesItsReason) {
  const auto reply = parse_reply(format_failure("no \"such\" verb"));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->ok);
  EXPECT_EQ(reply->text, "no \"such\" verb");
}

TEST(ControlProtocol, AnAnswerThatIsTooLongBecomesAFailure) {
  const auto reply = parse_reply(format_answer("\"" + std::string(kReplyMax, 'x') + "\""));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->ok);
}

TEST(ControlProtocol, AnyBytesGetAnAnswer) {
  std::mt19937 random(1);
  const std::string good = R"({"verb":"status","args":{"a":[1,"b",null,{"c":true}]}})";
  for (int round = 0; round < 20'000; ++round) {
    std::string line = good;
    for (uint32_t n = 1 + random() % 6; n > 0; --n) {
      line[random() % line.size()] = static_cast<char>(random());
    }
    line.resize(random() % (line.size() + 1));
    std::string why;
    const auto request = parse_request(line, &why);
    if (request) {
      EXPECT_TRUE(Json::parse(request->args).is_object());
    } else {
      EXPECT_FALSE(why.empty());
    }
    parse_reply(line);
  }
}

}  // namespace
}  // namespace fastmeta::host
