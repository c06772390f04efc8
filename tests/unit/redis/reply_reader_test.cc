// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/reply_reader.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "redis/wire.h"

namespace fastmeta::redis {
namespace {

using Found = ReplyReader::Found;
using Kind = Reply::Kind;

// A reply as one line, to compare.
std::string shown(const Reply& reply) {
  switch (reply.kind) {
    case Kind::kNil: return "nil";
    case Kind::kText: return "'" + reply.text + "'";
    case Kind::kStatus: return "+" + reply.text;
    case Kind::kError: return "-" + reply.text;
    case Kind::kNumber: return std::to_string(reply.number);
    case Kind::kArray: break;
  }
  std::string out = "[";
  for (const Reply& item : reply.items) out += (out.size() > 1 ? " " : "") + shown(item);
  return out + "]";
}

std::string all_of(ReplyReader& reader) {
  std::string out;
  Reply reply;
  for (;;) {
    switch (reader.next(reply)) {
      case Found::kNothing: return out;
      case Found::kBroken: return out + "broken;";
      case Found::kReply: out += shown(reply) + ";"; break;
      case Found::kPush: out += "push " + shown(reply) + ";"; break;
    }
  }
}

std::string parsed(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  return all_of(reader);
}

TEST(ReplyReader, ReadsEveryKind) {
  EXPECT_EQ(parsed("+OK\r\n"), "+OK;");
  EXPECT_EQ(parsed("-ERR no\r\n"), "-ERR no;");
  EXPECT_EQ(parsed(":-42\r\n"), "-42;");
  EXPECT_EQ(parsed("$3\r\na\r\n\r\n"), "'a\r\n';");
  EXPECT_EQ(parsed("$0\r\n\r\n"), "'';");
  EXPECT_EQ(parsed("_\r\n$-1\r\n*-1\r\n"), "nil;nil;nil;");
  EXPECT_EQ(parsed("#t\r\n#f\r\n"), "1;0;");
  EXPECT_EQ(parsed(",1.5\r\n"), "'1.5';");
  EXPECT_EQ(parsed("(123456789012345678901234567890\r\n"), "'123456789012345678901234567890';");
  EXPECT_EQ(parsed("=7\r\ntxt:abc\r\n"), "'abc';");
  EXPECT_EQ(parsed("*0\r\n"), "[];");
  EXPECT_EQ(parsed("*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"), "[1 ['x']];");
  EXPECT_EQ(parsed("~2\r\n+a\r\n+b\r\n"), "[+a +b];");
  EXPECT_EQ(parsed("%2\r\n+a\r\n:1\r\n+b\r\n_\r\n"), "[+a 1 +b nil];");
}

TEST(ReplyReader, TellsPushesFromReplies) {
  EXPECT_EQ(parsed("+a\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$2\r\ni1\r\n+b\r\n*1\r\n:1\r\n"),
            "+a;push ['invalidate' ['i1']];+b;[1];");
  EXPECT_EQ(parsed(">2\r\n+invalidate\r\n_\r\n_\r\n"), "push [+invalidate nil];nil;");
}

TEST(ReplyReader, FindsTheSameHoweverTheBytesAreSplit) {
  std::string stream = "*2\r\n$5\r\nhello\r\n%1\r\n+k\r\n*2\r\n:1\r\n_\r\n"
                       ">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\ni1\r\n$3\r\nd22\r\n:7\r\n";
  std::string whole = parsed(stream);
  for (size_t at = 0; at <= stream.size(); ++at) {
    ReplyReader reader;
    reader.feed(std::string_view(stream).substr(0, at));
    std::string got = all_of(reader);
    bool between = reader.drained();
    EXPECT_EQ(between, at == 0 || at == stream.size() || stream.compare(at, 4, ":7\r\n") == 0 ||
                           stream.compare(at, 3, ">2\r") == 0)
        << at;
    reader.feed(std::string_view(stream).substr(at));
    got += all_of(reader);
    EXPECT_EQ(got, whole) << at;
    EXPECT_TRUE(reader.drained());
  }
  ReplyReader bytewise;
  std::string got;
  for (char c : stream) {
    bytewise.feed({&c, 1});
    got += all_of(bytewise);
  }
  EXPECT_EQ(got, whole);
}

TEST(ReplyReader, StaysBrokenAfterBytesThatAreNotTheProtocol) {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n", ":x\r\n", "$-2\r\n", "*-2\r\n",
                            "*99999999999999999999\r\n", "#x\r\n", ",x\r\n", "_x\r\n",
                            "=2\r\nab\r\n", "(1x\r\n"}) {
    ReplyReader reader;
    reader.feed(bytes);
    EXPECT_EQ(all_of(reader), "broken;") << bytes;
    EXPECT_FALSE(reader.error().empty());
    reader.feed("+OK\r\n");
    EXPECT_EQ(all_of(reader), "broken;") << bytes;
  }
}

TEST(ReplyReader, TakesNoMemoryForAnAnnouncedLength) {
  EXPECT_EQ(parsed("*4000000000\r\n:1\r\n"), "");
  EXPECT_EQ(parsed("$9223372036854775807\r\nx"), "");
}

TEST(ReplyReader, RefusesRepliesNestedTooDeep) {
  std::string nested;
  for (int i = 0; i < 30; ++i) nested += "*1\r\n";
  EXPECT_NE(parsed(nested + ":1\r\n"), "broken;");
  for (int i = 0; i < 100000; ++i) nested += "*1\r\n";
  EXPECT_EQ(parsed(nested), "broken;");
}

TEST(Wire, WritesCommandsWithAnyBytes) {
  std::string out;
  append_command(out, {"SET", std::string("k\0\r\n", 4), ""});
  EXPECT_EQ(out, std::string("*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n", 29));
}

TEST(Wire, ComparesNamesInAnyCase) {
  EXPECT_TRUE(names({"watch", "k"}, "WATCH"));
  EXPECT_TRUE(names({"WaTcH"}, "WATCH"));
  EXPECT_FALSE(names({"UNWATCH"}, "WATCH"));
  EXPECT_FALSE(names({"WATCHX"}, "WATCH"));
}

TEST(Refused, MapsTheCodeAndNamesTheCommand) {
  auto error_of = [](std::string text) {
    Reply reply;
    reply.kind = Kind::kError;
    reply.text = std::move(text);
    return refused(reply, "HSET");
  };
  EXPECT_EQ(error_of("OOM command not allowed").code, ENOSPC);
  for (const char* code : {"READONLY", "LOADING", "MISCONF", "BUSY", "CLUSTERDOWN", "TRYAGAIN",
                           "MASTERDOWN", "NOREPLICAS", "NOPERM", "NOAUTH", "ERR", "OOMX"}) {
    Error error = error_of(std::string(code) + " why");
    EXPECT_EQ(error.fault, Fault::kRefused);
    EXPECT_EQ(error.code, EIO) << code;
    EXPECT_THAT(error.text, testing::AllOf(testing::HasSubstr("HSET"), testing::HasSubstr(code)));
  }
}

TEST(Refused, DoesNotRepeatArguments) {
  Reply reply;
  reply.kind = Kind::kError;
  reply.text = "ERR unknown command 'FOO', with args beginning with: 's3cret' ";
  EXPECT_THAT(refused(reply, "FOO").text, testing::Not(testing::HasSubstr("s3cret")));
}

}  // namespace
}  // namespace fastmeta::redis
