// SPDX-License-Identifier: GPL-3.0-or-later
// Oplog records as bytes; the invariants are those of doc/oplog.md.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "model/oplog_record.h"
#include "model/schema/codec.h"
#include "samples.h"

namespace fastmeta::test {
namespace {

using namespace model;  // NOLINT

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (unsigned char c : bytes) {
    hex += "0123456789abcdef"[c >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  return hex;
}

// Whether two are equal is asked of their bytes; that those hold every field is asked
// by the golden ones.
void survives(const OplogRecord& record) {
  const std::string bytes = encode_record(record);
  auto again = decode_record(bytes);
  ASSERT_TRUE(again.has_value()) << again.error().text;
  EXPECT_EQ(kind_of(again->operation), kind_of(record.operation));
  EXPECT_EQ(again->seq, record.seq);
  EXPECT_EQ(again->writes, record.writes);
  EXPECT_EQ(again->copied, record.copied);
  EXPECT_EQ(to_hex(encode_record(*again)), to_hex(bytes));
}

std::string what_is_wrong(std::string_view bytes) {
  auto record = decode_record(bytes);
  if (record) return "nothing";
  EXPECT_EQ(record.error().fault, Fault::kCorrupt);
  EXPECT_EQ(record.error().code, EIO);
  return record.error().text;
}

TEST(OplogRecord, EveryKindSurvives) {
  const auto records = sample_records();
  ASSERT_EQ(records.size(), std::variant_size_v<Operation>);
  for (const OplogRecord& record : records) survives(record);
}

TEST(OplogRecord, RandomOnesWithOddBytesSurvive) {
  Dice dice(random_seed());
  for (int i = 0; i < 5000 && !::testing::Test::HasFailure(); ++i) survives(random_record(dice));
}

std::map<std::string, std::string> golden_records(int version) {
  std::ifstream in(FASTMETA_SOURCE_DIR "/tests/unit/model_oplog/golden_records_" +
                   std::to_string(version) + ".txt");
  std::map<std::string, std::string> golden;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name, hex;
    words >> name >> hex;
    golden[name] = hex;
  }
  return golden;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return bytes;
}

// What is stored today is read by every later version.
TEST(OplogRecord, BytesOfEachKindStayAsTheyWere) {
  auto golden = golden_records(2);
  std::string all;
  for (const OplogRecord& record : sample_records()) {
    const std::string name = name_of(kind_of(record.operation));
    const std::string hex = to_hex(encode_record(record));
    all += name + " " + hex + "\n";
    EXPECT_EQ(golden[name], hex) << name;
  }
  EXPECT_EQ(golden.size(), std::variant_size_v<Operation>);
  if (::testing::Test::HasFailure()) std::printf("as written now:\n%s", all.c_str());
}

// Version 1 did not know what the creator of a file wanted to open, nor who wrote data,
// nor whether the file had a name.
TEST(OplogRecord, VersionOneIsRead) {
  const auto golden = golden_records(1);
  EXPECT_EQ(golden.size(), std::variant_size_v<Operation>);
  for (OplogRecord record : sample_records()) {
    const std::string name = name_of(kind_of(record.operation));
    auto read = decode_record(from_hex(golden.at(name)));
    ASSERT_TRUE(read.has_value()) << name << ": " << read.error().text;
    if (auto* create = std::get_if<CreateArgs>(&record.operation)) create->open_for = 0;
    record.uid = record.gid = 0;
    record.nameless = false;
    EXPECT_EQ(to_hex(encode_record(*read)), to_hex(encode_record(record))) << name;
  }
}

TEST(OplogRecord, AFileGetsAnotherNumberEverywhere) {
  const KeySpace keys;
  for (OplogRecord record : sample_records()) {
    if (kind_of(record.operation) == OperationKind::kCreate) continue;
    record.relied = {{{ReadKind::kString, "i13", {}, true}, Reliance::Expect::kInode, 1},
                     {{ReadKind::kField, "d11", "n", true}, Reliance::Expect::kEntry, 13},
                     {{ReadKind::kField, "d11", "m", true}, Reliance::Expect::kEntry, 14},
                     {{ReadKind::kList, "c13_2", {}, true}, Reliance::Expect::kNothing, 0},
                     {{ReadKind::kField, "x13", "user.a", true}, Reliance::Expect::kNothing, 0},
                     {{ReadKind::kHash, "p13", {}, true}, Reliance::Expect::kNothing, 0}};
    renumber(keys, record, 13, 99);
    for (Ino ino : inodes_of(record.operation)) EXPECT_NE(ino, 13u);
    EXPECT_EQ(record.relied[0].read.key, "i99");
    EXPECT_EQ(record.relied[1].value, 99u);
    EXPECT_EQ(record.relied[2].value, 14u);
    EXPECT_EQ(record.relied[3].read.key, "c99_2");
    EXPECT_EQ(record.relied[4].read.key, "x99");
    EXPECT_EQ(record.relied[5].read.key, "p99");
  }
}

TEST(OplogRecord, EveryChangedBitIsSeen) {
  const std::string bytes = encode_record(sample_records()[0]);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(what_is_wrong(damaged), "nothing") << "bit " << bit;
  }
}

TEST(OplogRecord, EveryShorterOrLongerOneIsRefused) {
  const std::string bytes = encode_record(sample_records()[4]);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(what_is_wrong(bytes.substr(0, size)), "nothing") << size;
  EXPECT_EQ(what_is_wrong(bytes.substr(0, 23)),
            "oplog record, offset 23: the bytes end within the header");
  EXPECT_NE(what_is_wrong(bytes + '\0'), "nothing");
}

TEST(OplogRecord, UnknownOnesSayWhatTheyAre) {
  std::string bytes = encode_record(sample_records()[0]);
  std::string newer = bytes;
  newer[4] = 3;
  EXPECT_EQ(what_is_wrong(newer),
            "oplog record, offset 4: version 3, only up to 2 is known: written by a newer "
            "fastmeta");
  std::string other = bytes;
  other[0] = 'X';
  EXPECT_EQ(what_is_wrong(other), "oplog record, offset 0: not an oplog record");
  std::string damaged = bytes;
  damaged.back() ^= 1;
  EXPECT_EQ(what_is_wrong(damaged), "oplog record, offset 16: the checksum does not match");
}

TEST(OplogRecord, AnswersOfAReplayAreNotStored) {
  OplogRecord record = sample_records()[0];
  const std::string bytes = encode_record(record);
  std::get<CreateArgs>(record.operation).applied_at = Timestamp{1, 2};
  EXPECT_EQ(encode_record(record), bytes);
}

struct RelianceCase {
  const char* what;
  ReadKey read;
  RawValue answer;
  Reliance::Expect expect;
  uint64_t value;
};

TEST(OplogReliance, IsDecidedByTheRead) {
  using Expect = Reliance::Expect;
  Attr dir;
  dir.type = FileType::kDirectory;
  const RawValue absent;
  RawValue inode, entry, broken, one, xattr;
  inode.exists = entry.exists = broken.exists = xattr.exists = true;
  inode.bytes = encode_attr(dir);
  entry.bytes = encode_dentry({FileType::kFile, 77});
  broken.bytes = "?";
  one.count = 1;
  const std::vector<RelianceCase> cases = {
      {"no entry", {ReadKind::kField, "d5", "a"}, absent, Expect::kAbsent, 0},
      {"an entry", {ReadKind::kField, "d5", "a"}, entry, Expect::kEntry, 77},
      {"an unwatched one", {ReadKind::kField, "d5", "a", false}, entry, Expect::kNothing, 0},
      {"a broken entry", {ReadKind::kField, "d5", "a"}, broken, Expect::kNothing, 0},
      {"no inode", {ReadKind::kString, "i5", {}}, absent, Expect::kAbsent, 0},
      {"an inode", {ReadKind::kString, "i5", {}}, inode, Expect::kInode, 2},
      {"an empty directory", {ReadKind::kHashCount, "d5", {}}, absent, Expect::kEmpty, 0},
      {"a filled directory", {ReadKind::kHashCount, "d5", {}}, one, Expect::kNothing, 0},
      {"a symlink", {ReadKind::kString, "s5", {}}, absent, Expect::kNothing, 0},
      {"no xattr", {ReadKind::kField, "x5", "a"}, absent, Expect::kNothing, 0},
      {"xattrs", {ReadKind::kHashCount, "x5", {}}, absent, Expect::kNothing, 0},
      {"a chunk", {ReadKind::kList, "c5_0", {}}, absent, Expect::kNothing, 0},
      {"another key", {ReadKind::kString, "dirUsedSpace", {}}, absent, Expect::kNothing, 0},
  };
  for (const RelianceCase& c : cases) {
    const Reliance reliance = relied_on(KeySpace(), c.read, c.answer);
    EXPECT_EQ(reliance.expect, c.expect) << c.what;
    EXPECT_EQ(reliance.value, c.value) << c.what;
    EXPECT_TRUE(still_holds(reliance, c.answer)) << c.what;
  }
}

TEST(OplogReliance, AnotherAnswerBreaksIt) {
  using Expect = Reliance::Expect;
  RawValue absent, entry, inode, broken, one;
  entry.exists = inode.exists = broken.exists = true;
  entry.bytes = encode_dentry({FileType::kFile, 78});
  inode.bytes = encode_attr(Attr{});
  broken.bytes = "?";
  one.count = 1;
  auto holds = [](Expect expect, uint64_t value, const RawValue& answer) {
    return still_holds({{}, expect, value}, answer);
  };
  EXPECT_FALSE(holds(Expect::kAbsent, 0, entry));
  EXPECT_FALSE(holds(Expect::kEntry, 77, entry));
  EXPECT_TRUE(holds(Expect::kEntry, 78, entry));
  EXPECT_FALSE(holds(Expect::kEntry, 78, absent));
  EXPECT_FALSE(holds(Expect::kEntry, 78, broken));
  EXPECT_FALSE(holds(Expect::kInode, 2, inode));
  EXPECT_TRUE(holds(Expect::kInode, 1, inode));
  EXPECT_FALSE(holds(Expect::kInode, 1, absent));
  EXPECT_FALSE(holds(Expect::kInode, 1, broken));
  EXPECT_FALSE(holds(Expect::kEmpty, 0, one));
  EXPECT_TRUE(holds(Expect::kNothing, 0, broken));
}

}  // namespace
}  // namespace fastmeta::test
