// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/schema/codec.h"

#include <gtest/gtest.h>

#include <random>

#include "golden.h"

namespace fastmeta::model {
namespace {

constexpr unsigned kCodecSeed = 20262;

template <typename T>
void expect_corrupt(const Result<T>& result, size_t offset) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::kCorrupt);
  EXPECT_EQ(result.error().code, EIO);
  EXPECT_TRUE(result.error().text.starts_with("offset " + std::to_string(offset) + ":"))
      << result.error().text;
}

TEST(DentryCodec, IsTypeAndInode) {
  const Dentry dentry{FileType::kSymlink, 0x0102030405060708};
  EXPECT_EQ(to_hex(encode_dentry(dentry)), "030102030405060708");
  EXPECT_EQ(*decode_dentry(encode_dentry(dentry)), dentry);
}

TEST(DentryCodec, RefusesOtherLengthsTypesAndInodeZero) {
  const std::string good = encode_dentry({FileType::kFile, 7});
  for (size_t n = 0; n < 9; ++n) expect_corrupt(decode_dentry(good.substr(0, n)), n);
  expect_corrupt(decode_dentry(good + '\0'), 9);
  expect_corrupt(decode_dentry('\0' + good.substr(1)), 0);
  expect_corrupt(decode_dentry('\x08' + good.substr(1)), 0);
  expect_corrupt(decode_dentry(good.substr(0, 1) + std::string(8, '\0')), 1);
}

TEST(SliceCodec, IsFiveBigEndianNumbers) {
  const SliceRecord record{0x00000010, 0x1112131415161718, 0x21222324, 0x01020304, 0x00000042};
  EXPECT_EQ(to_hex(encode_slice(record)), "00000010" "1112131415161718" "21222324" "01020304"
                                          "00000042");
  EXPECT_EQ(*decode_slice(encode_slice(record)), record);
}

TEST(SliceCodec, RefusesWhatLeavesItsChunkOrItsSlice) {
  const std::string good = encode_slice({0, 1, 10, 0, 10});
  for (size_t n = 0; n < 24; ++n) expect_corrupt(decode_slice(good.substr(0, n)), n);
  expect_corrupt(decode_slice(good + "x"), 24);

  const uint32_t chunk = kChunkBytes;
  EXPECT_TRUE(decode_slice(encode_slice({chunk - 5, 0, 0, 0, 5})));
  expect_corrupt(decode_slice(encode_slice({chunk - 5, 0, 0, 0, 6})), 0);
  expect_corrupt(decode_slice(encode_slice({0xFFFFFFFF, 0, 0, 0, 0xFFFFFFFF})), 0);
  EXPECT_TRUE(decode_slice(encode_slice({0, 1, 100, 60, 40})));
  expect_corrupt(decode_slice(encode_slice({0, 1, 100, 60, 41})), 16);
  expect_corrupt(decode_slice(encode_slice({0, 1, 100, 0xFFFFFFFF, 2})), 16);
  // The standard client leaves an offset in records of zeros that it copied.
  EXPECT_TRUE(decode_slice(encode_slice({0, 0, 0, chunk - 5, 4096})));
}

TEST(DelayedSlicesCodec, IsTwelveBytesEach) {
  const std::vector<std::pair<uint64_t, uint32_t>> slices = {{3, 3000}, {0x0102030405060708, 9}};
  EXPECT_EQ(to_hex(encode_delayed_slices(slices)),
            "0000000000000003" "00000bb8" "0102030405060708" "00000009");
  EXPECT_EQ(*decode_delayed_slices(encode_delayed_slices(slices)), slices);
  EXPECT_TRUE(decode_delayed_slices("")->empty());
  for (size_t n = 1; n < 24; ++n)
    if (n != 12)
      expect_corrupt(decode_delayed_slices(encode_delayed_slices(slices).substr(0, n)),
                     n / 12 * 12);
}

TEST(LockOwnerCodec, IsSessionAndSixteenDigits) {
  EXPECT_EQ(encode_lock_owner({12, 0xAB}), "12_00000000000000AB");
  EXPECT_EQ(encode_lock_owner({~uint64_t{0}, ~uint64_t{0}}),
            "18446744073709551615_FFFFFFFFFFFFFFFF");
  EXPECT_EQ(*decode_lock_owner("12_00000000000000AB"), (LockOwner{12, 0xAB}));
}

TEST(LockOwnerCodec, RefusesEverythingElse) {
  expect_corrupt(decode_lock_owner(""), 0);
  expect_corrupt(decode_lock_owner("12"), 2);
  expect_corrupt(decode_lock_owner("_00000000000000AB"), 0);
  expect_corrupt(decode_lock_owner("-1_00000000000000AB"), 0);
  expect_corrupt(decode_lock_owner("18446744073709551616_00000000000000AB"), 0);
  expect_corrupt(decode_lock_owner("12_0000000000000AB"), 18);
  expect_corrupt(decode_lock_owner("12_000000000000000AB"), 19);
  expect_corrupt(decode_lock_owner("12_00000000000000ab"), 17);
}

TEST(LockRangesCodec, IsTwentyFourBytesEach) {
  const std::vector<LockRange> ranges = {{0, 31154, 0, 9}, {1, 31154, 20, 0x7FFFFFFFFFFFFFFF}};
  EXPECT_EQ(to_hex(encode_lock_ranges(ranges)),
            "00000000" "000079b2" "0000000000000000" "0000000000000009"
            "00000001" "000079b2" "0000000000000014" "7fffffffffffffff");
  EXPECT_EQ(*decode_lock_ranges(encode_lock_ranges(ranges)), ranges);
  EXPECT_TRUE(decode_lock_ranges("")->empty());
}

TEST(LockRangesCodec, RefusesWhatIsNoSortedListOfLocks) {
  const std::string good = encode_lock_ranges({{0, 1, 0, 9}, {1, 1, 10, 19}});
  for (size_t n = 1; n < 48; ++n)
    if (n != 24) expect_corrupt(decode_lock_ranges(good.substr(0, n)), n / 24 * 24);
  expect_corrupt(decode_lock_ranges(encode_lock_ranges({{0, 1, 0, 9}, {2, 1, 10, 19}})), 24);
  expect_corrupt(decode_lock_ranges(encode_lock_ranges({{0, 1, 10, 9}})), 8);
  expect_corrupt(decode_lock_ranges(encode_lock_ranges({{0, 1, 0, 9}, {1, 1, 9, 19}})), 32);
  expect_corrupt(decode_lock_ranges(encode_lock_ranges({{0, 1, 10, 19}, {1, 1, 0, 5}})), 32);
}

TEST(QuotaCodec, IsTwoSignedNumbers) {
  EXPECT_EQ(to_hex(encode_quota({-1, 7})), "ffffffffffffffff" "0000000000000007");
  EXPECT_EQ(*decode_quota(encode_quota({1 << 30, -1})), (QuotaLimits{1 << 30, -1}));
  const std::string good = encode_quota({});
  for (size_t n = 0; n < 16; ++n) expect_corrupt(decode_quota(good.substr(0, n)), n);
  expect_corrupt(decode_quota(good + "x"), 16);
}

TEST(AclCodec, HasFourEntriesAndTwoLists) {
  const AclRule rule{6, 4, 5, AclRule::kAbsent, {{1001, 5}, {1002, 4}}, {{2001, 7}}};
  EXPECT_EQ(to_hex(encode_acl(rule)), "0006" "0004" "0005" "ffff" "00000002" "000003e90005"
                                      "000003ea0004" "00000001" "000007d10007");
  EXPECT_EQ(*decode_acl(encode_acl(rule)), rule);
}

TEST(AclCodec, RefusesRulesThatEndEarlyLateOrPromiseTooMuch) {
  const std::string good = encode_acl({6, 4, 5, 0, {{1001, 5}}, {{2001, 7}}});
  for (size_t n = 0; n < good.size(); ++n) {
    auto rule = decode_acl(good.substr(0, n));
    ASSERT_FALSE(rule) << n;
    EXPECT_EQ(rule.error().fault, Fault::kCorrupt);
  }
  expect_corrupt(decode_acl(good.substr(0, 7)), 7);
  expect_corrupt(decode_acl(good + "x"), good.size());
  std::string promise = good;
  promise[8] = '\xFF';  // 4 billion users
  expect_corrupt(decode_acl(promise), 8);
}

// Whatever comes is refused or understood; what is understood stays the same.
template <typename T>
void expect_stable(std::string_view bytes, Result<T> (*decode)(std::string_view),
                   std::string (*encode)(const T&)) {
  auto value = decode(bytes);
  if (!value) {
    EXPECT_EQ(value.error().fault, Fault::kCorrupt);
    EXPECT_TRUE(value.error().text.starts_with("offset ")) << value.error().text;
    return;
  }
  auto again = decode(encode(*value));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *value);
}

TEST(Codecs, NeverCrashOnRandomBytes) {
  std::mt19937 random(kCodecSeed);
  std::vector<std::string> seeds;
  for (const GoldenKey& key : golden_keys()) {
    if (key.type == "string") seeds.push_back(key.string);
    for (const auto& [field, value] : key.hash) seeds.push_back(value);
    for (const std::string& item : key.items) seeds.push_back(item);
  }
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes;
    if (i % 2) {
      bytes = seeds[random() % seeds.size()];
      for (int n = static_cast<int>(random() % 4); n > 0 && !bytes.empty(); --n)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 10));
    } else {
      bytes.resize(random() % 100);
      for (char& c : bytes) c = static_cast<char>(random() % (1 + random() % 256));
    }
    expect_stable<Attr>(bytes, decode_attr, encode_attr);
    expect_stable<Dentry>(bytes, decode_dentry, encode_dentry);
    expect_stable<SliceRecord>(bytes, decode_slice, encode_slice);
    expect_stable<std::vector<std::pair<uint64_t, uint32_t>>>(bytes, decode_delayed_slices,
                                                              encode_delayed_slices);
    expect_stable<LockOwner>(bytes, decode_lock_owner, encode_lock_owner);
    expect_stable<std::vector<LockRange>>(bytes, decode_lock_ranges, encode_lock_ranges);
    expect_stable<QuotaLimits>(bytes, decode_quota, encode_quota);
    expect_stable<AclRule>(bytes, decode_acl, encode_acl);
    if (HasFailure()) FAIL() << "with " << to_hex(bytes);
  }
}

TEST(Codecs, GiveBackWhatTheyWereGiven) {
  std::mt19937_64 random(kCodecSeed);
  const auto u32 = [&] { return static_cast<uint32_t>(random()); };
  for (int i = 0; i < 20'000; ++i) {
    const Dentry dentry{static_cast<FileType>(1 + random() % 7), 1 + random() / 2};
    EXPECT_EQ(*decode_dentry(encode_dentry(dentry)), dentry);

    SliceRecord slice;
    slice.pos = u32() % kChunkBytes;
    slice.len = u32() % (kChunkBytes - slice.pos + 1);
    slice.off = u32() % kChunkBytes;
    slice.id = random() % 2 ? random() : 0;
    slice.size = slice.id ? slice.off + slice.len : u32();
    EXPECT_EQ(*decode_slice(encode_slice(slice)), slice);

    const LockOwner owner{random() >> random() % 64, random()};
    EXPECT_EQ(*decode_lock_owner(encode_lock_owner(owner)), owner);

    std::vector<LockRange> ranges;
    for (uint64_t at = random() % 100; ranges.size() < random() % 5;) {
      const uint64_t end = at + random() % 50;
      ranges.push_back({static_cast<uint32_t>(random() % 2), u32(), at, end});
      at = end + 1 + random() % 10;
    }
    EXPECT_EQ(*decode_lock_ranges(encode_lock_ranges(ranges)), ranges);

    const QuotaLimits quota{static_cast<int64_t>(random()), static_cast<int64_t>(random())};
    EXPECT_EQ(*decode_quota(encode_quota(quota)), quota);

    AclRule rule;
    rule.owner = static_cast<uint16_t>(random());
    rule.mask = static_cast<uint16_t>(random());
    for (size_t n = random() % 4; n > 0; --n)
      rule.users.push_back({u32(), static_cast<uint16_t>(random())});
    for (size_t n = random() % 4; n > 0; --n)
      rule.groups.push_back({u32(), static_cast<uint16_t>(random())});
    EXPECT_EQ(*decode_acl(encode_acl(rule)), rule);
  }
}

}  // namespace
}  // namespace fastmeta::model
