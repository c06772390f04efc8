// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/journal_entry.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fastmeta::engine {
namespace {

using testing::HasSubstr;

JournalEntry full_entry() {
  JournalEntry entry;
  entry.id = 7;
  entry.seq = 1234567890123;
  entry.state = JournalEntry::State::kReapplied;
  entry.time = {-5, 999'999'999};
  entry.error = EEXIST;
  entry.reason = "'b' exists by now: inode 9 instead of none";
  entry.path_then = std::string("a/\xff\0b", 5);
  entry.path_now = "a/c";
  entry.caused_by = 6;
  entry.record = std::string(3000, '\0');
  entry.undo = {{"i5", "attr"}, {std::string("d1\0b", 4), std::nullopt}, {"empty", ""}};
  entry.later = {"one", ""};
  return entry;
}

TEST(JournalEntryBytes, AreReadBackAsWritten) {
  for (const JournalEntry& entry : {JournalEntry(), full_entry()}) {
    auto read = decode_entry(encode_entry(entry));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(*read, entry);
  }
}

// What version 1 is on disk; a change of it needs a new version.
TEST(JournalEntryBytes, OfVersionOneStayAsTheyAre) {
  JournalEntry entry;
  entry.id = 1;
  entry.seq = 2;
  entry.time = {3, 4};
  entry.error = 5;
  entry.caused_by = 6;
  entry.reason = "r";
  entry.undo = {{"k", std::nullopt}};
  std::string bytes = encode_entry(entry);
  std::string hex;
  for (char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  EXPECT_EQ(hex,
            "464d4a45" "0001" "0001" "0000004b" "7da68b9c"
            "0000000000000001" "0000000000000002" "0000000000000003" "00000004" "00000005"
            "0000000000000006" "0000000172" "00000000" "00000000" "00000000"
            "00000001" "000000016b" "00" "00000000" "00000000");
}

TEST(JournalEntryBytes, CutAnywhereAreRefused) {
  const std::string bytes = encode_entry(full_entry());
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto read = decode_entry(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().fault, Fault::kCorrupt);
  }
  EXPECT_FALSE(decode_entry(bytes + "x"));
}

TEST(JournalEntryBytes, WithAnyBitTurnedAreRefused) {
  const std::string bytes = encode_entry(full_entry());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string wrong = bytes;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(decode_entry(wrong)) << bit;
  }
}

TEST(JournalEntryBytes, OfANewerVersionAreNamedAsSuch) {
  std::string bytes = encode_entry(full_entry());
  bytes[5] = 2;
  auto read = decode_entry(bytes);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text, HasSubstr("newer fastmeta"));
}

}  // namespace
}  // namespace fastmeta::engine
