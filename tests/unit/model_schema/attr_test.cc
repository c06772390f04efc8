// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <random>

#include "golden.h"
#include "model/schema/codec.h"

namespace fastmeta::model {
namespace {

constexpr unsigned kAttrSeed = 20261;

// The example of the schema page: a fresh root directory.
const char* const kRootHex =
    "0021ff0000000000000000" "000000006b02e5ec00000000" "000000006b02e5ec00000000"
    "000000006b02e5ec00000000" "00000002" "0000000000001000" "00000000" "0000000000000001" "00";

Attr root() {
  Attr attr;
  attr.type = FileType::kDirectory;
  attr.perm = 0777;
  attr.atime = attr.mtime = attr.ctime = {0x6b02e5ec, 0};
  attr.nlink = 2;
  attr.length = 4096;
  attr.parent = 1;
  return attr;
}

TEST(AttrCodec, WritesTheRootAsTheSchemaShowsIt) {
  EXPECT_EQ(to_hex(encode_attr(root())), kRootHex);
  EXPECT_EQ(*decode_attr(from_hex(kRootHex)), root());
}

TEST(AttrCodec, PutsEachFieldAtItsOffset) {
  Attr attr;
  attr.flags = 0xF1;
  attr.type = FileType::kSocket;
  attr.perm = 07654;
  attr.uid = 0x01020304;
  attr.gid = 0x05060708;
  attr.atime = {-2, 0x11121314};
  attr.mtime = {0x2122232425262728, 0x292A2B2C};
  attr.ctime = {0x3132333435363738, 0x393A3B3C};
  attr.nlink = 0x41424344;
  attr.length = 0x5152535455565758;
  attr.rdev = 0x61626364;
  attr.parent = 0x7172737475767778;
  attr.access_acl = 0x81828384;
  attr.default_acl = 0x91929394;
  attr.tier = 0xA1;
  EXPECT_EQ(to_hex(encode_attr(attr)),
            "f17fac" "01020304" "05060708" "fffffffffffffffe" "11121314" "2122232425262728"
            "292a2b2c" "3132333435363738" "393a3b3c" "41424344" "5152535455565758" "61626364"
            "7172737475767778" "81828384" "91929394" "a1" "00");
}

TEST(AttrCodec, HasTheFourLengthsOfTheStandardClient) {
  Attr attr = root();
  EXPECT_EQ(encode_attr(attr).size(), 72u);
  attr.tier = 3;
  EXPECT_EQ(encode_attr(attr).size(), 73u);
  attr.default_acl = 1;
  EXPECT_EQ(encode_attr(attr).size(), 81u);
  attr.tier = 0;
  EXPECT_EQ(encode_attr(attr).size(), 80u);
}

TEST(AttrCodec, TakesEveryLengthAndWritesTheSameBytesBack) {
  std::mt19937 random(kAttrSeed);
  for (int round = 0; round < 200; ++round) {
    for (size_t length = 0; length <= 90; ++length) {
      std::string bytes = encode_attr(root()).substr(0, std::min<size_t>(length, 71));
      while (bytes.size() < length) bytes += static_cast<char>(random() % 3);
      auto attr = decode_attr(bytes);
      if (length < 71) {
        ASSERT_FALSE(attr) << length;
        EXPECT_EQ(attr.error().fault, Fault::kCorrupt);
        EXPECT_EQ(attr.error().code, EIO);
        EXPECT_NE(attr.error().text.find("offset " + std::to_string(length) + ":"),
                  std::string::npos)
            << attr.error().text;
        continue;
      }
      ASSERT_TRUE(attr) << length;
      // What can be said shorter without loss: no pad, no tier byte of 0 with the pad behind
      // it, ACL ids that are both 0 with nothing unknown behind them.
      const std::string again = encode_attr(*attr);
      EXPECT_EQ(*decode_attr(again), *attr) << to_hex(bytes);
      if (!attr->unknown_tail.empty()) {
        EXPECT_EQ(to_hex(again), to_hex(bytes));
      }
    }
  }
}

TEST(AttrCodec, ReadsAclIdsAlsoWithoutThePad) {
  std::string bytes = encode_attr(root()).substr(0, 71);
  EXPECT_EQ(*decode_attr(bytes), root());
  bytes += from_hex("0000000700000008");
  auto attr = decode_attr(bytes);
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->access_acl, 7u);
  EXPECT_EQ(attr->default_acl, 8u);
  EXPECT_EQ(encode_attr(*attr), bytes + '\0');
}

TEST(AttrCodec, KeepsWhatANewerClientAppended) {
  for (const char* tail : {"0000aabbccdd00",                  // tier 0, then unknown, no ACL ids
                           "0000000000000000" "00" "0102",    // ids of 0, tier 0, unknown
                           "0000000700000000" "05" "010203",  // ids, tier, unknown
                           "0500010203"}) {
    const std::string bytes = encode_attr(root()).substr(0, 71) + from_hex(tail);
    auto attr = decode_attr(bytes);
    ASSERT_TRUE(attr);
    attr->nlink = 9;
    std::string expected = bytes;
    expected[50] = 9;
    EXPECT_EQ(to_hex(encode_attr(*attr)), to_hex(expected)) << tail;
  }
}

TEST(AttrCodec, KeepsTheFormOfATailWhenTheAclIsRemoved) {
  const std::string bytes =
      encode_attr(root()).substr(0, 71) + from_hex("0000000700000008" "00" "0102");
  auto attr = decode_attr(bytes);
  ASSERT_TRUE(attr);
  attr->access_acl = attr->default_acl = 0;
  auto again = decode_attr(encode_attr(*attr));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->unknown_tail, attr->unknown_tail);
  EXPECT_EQ(again->access_acl, 0u);
  EXPECT_EQ(encode_attr(*attr).size(), bytes.size());
}

TEST(AttrCodec, RefusesTypesThatDoNotExist) {
  for (int type = 0; type < 16; ++type) {
    std::string bytes = encode_attr(root());
    bytes[1] = static_cast<char>(type << 4 | (bytes[1] & 15));
    auto attr = decode_attr(bytes);
    EXPECT_EQ(attr.has_value(), type >= 1 && type <= 7) << type;
    if (!attr) {
      EXPECT_NE(attr.error().text.find("offset 1:"), std::string::npos);
    }
  }
}

Attr random_attr(std::mt19937_64& random) {
  Attr attr;
  attr.flags = static_cast<uint8_t>(random());
  attr.type = static_cast<FileType>(1 + random() % 7);
  attr.perm = random() & 07777;
  attr.uid = static_cast<uint32_t>(random());
  attr.gid = static_cast<uint32_t>(random());
  for (Timestamp* t : {&attr.atime, &attr.mtime, &attr.ctime})
    *t = {static_cast<int64_t>(random()), static_cast<uint32_t>(random())};
  attr.nlink = static_cast<uint32_t>(random());
  attr.length = random();
  attr.rdev = static_cast<uint32_t>(random());
  attr.parent = random();
  if (random() % 2) attr.access_acl = static_cast<uint32_t>(random() % 3);
  if (random() % 2) attr.default_acl = static_cast<uint32_t>(random() % 3);
  if (random() % 2) attr.tier = static_cast<uint8_t>(random());
  if (random() % 2) {
    // At most 6 bytes: more would be ACL ids when those are not in front.
    for (size_t n = 1 + random() % 6; n > 0; --n)
      attr.unknown_tail += static_cast<char>(1 + random() % 255);
    attr.acl_before_tail = attr.access_acl || attr.default_acl || random() % 2;
  }
  return attr;
}

TEST(AttrCodec, GivesBackWhatItWasGiven) {
  std::mt19937_64 random(kAttrSeed);
  for (int i = 0; i < 20'000; ++i) {
    const Attr attr = random_attr(random);
    auto again = decode_attr(encode_attr(attr));
    ASSERT_TRUE(again);
    ASSERT_EQ(*again, attr) << to_hex(encode_attr(attr));
  }
}

}  // namespace
}  // namespace fastmeta::model
