// SPDX-License-Identifier: GPL-3.0-or-later
// Every value that the standard client stored is understood and written back the same.
#include "golden.h"

#include <gtest/gtest.h>

#include <set>

#include "model/schema/codec.h"
#include "model/schema/keys.h"
#include "util/bytes.h"

namespace fastmeta::model {
namespace {

template <typename T>
void expect_same(const GoldenKey& key, const std::string& bytes,
                 Result<T> (*decode)(std::string_view), std::string (*encode)(const T&)) {
  auto value = decode(bytes);
  ASSERT_TRUE(value) << key.scene << " " << key.name << " " << to_hex(bytes) << ": "
                     << value.error().text;
  EXPECT_EQ(to_hex(encode(*value)), to_hex(bytes)) << key.scene << " " << key.name;
}

void expect_number(const GoldenKey& key, const std::string& text) {
  EXPECT_TRUE(parse_decimal<int64_t>(text)) << key.scene << " " << key.name << " = " << text;
}

// Checks one key by the kind that parse() says; the kinds seen are collected.
void check_numbered(const GoldenKey& key, char kind, std::set<std::string>& seen) {
  seen.insert(std::string(1, kind));
  switch (kind) {
    case 'i':
      expect_same<Attr>(key, key.string, decode_attr, encode_attr);
      break;
    case 'd':
      for (const auto& [name, value] : key.hash) {
        EXPECT_LE(name.size(), kNameMax);
        expect_same<Dentry>(key, value, decode_dentry, encode_dentry);
      }
      break;
    case 'c':
      for (const std::string& item : key.items)
        expect_same<SliceRecord>(key, item, decode_slice, encode_slice);
      break;
    case 'p':
      for (const auto& [parent, count] : key.hash) {
        expect_number(key, parent);
        expect_number(key, count);
      }
      break;
    default:
      break;  // symlink targets and xattrs are bytes as they come
  }
}

// Checks a key that has no inode in its name; false for one that is unknown.
bool check_named(const GoldenKey& key) {
  static const std::set<std::string> kCounters = {
      "nextinode", "nextchunk", "nextsession", "nextTrash",
      "usedSpace", "totalInodes", "aclMaxId",  "txnLastLog"};
  static const std::set<std::string> kNumbers = {
      "sliceRef",           "dirDataLength",       "dirUsedSpace",
      "dirUsedInodes",      "dirQuotaUsedSpace",   "dirQuotaUsedInodes",
      "userQuotaUsedSpace", "userQuotaUsedInodes", "groupQuotaUsedSpace",
      "groupQuotaUsedInodes"};
  const std::string& name = key.name;
  if (kCounters.contains(name)) {
    expect_number(key, key.string);
  } else if (kNumbers.contains(name)) {
    for (const auto& [field, number] : key.hash) expect_number(key, number);
  } else if (name == "dirQuota" || name == "userQuota" || name == "groupQuota") {
    for (const auto& [field, value] : key.hash)
      expect_same<QuotaLimits>(key, value, decode_quota, encode_quota);
  } else if (name == "acl") {
    for (const auto& [id, rule] : key.hash) expect_same<AclRule>(key, rule, decode_acl, encode_acl);
  } else if (name == "delSlices") {
    for (const auto& [field, value] : key.hash)
      expect_same<std::vector<std::pair<uint64_t, uint32_t>>>(key, value, decode_delayed_slices,
                                                              encode_delayed_slices);
  } else if (name.starts_with("lockf") || name.starts_with("lockp")) {
    for (const auto& [owner, value] : key.hash) {
      expect_same<LockOwner>(key, owner, decode_lock_owner, encode_lock_owner);
      if (name.starts_with("lockp"))
        expect_same<std::vector<LockRange>>(key, value, decode_lock_ranges, encode_lock_ranges);
      else
        EXPECT_TRUE(value == "R" || value == "W");
    }
  } else {
    return name == "setting" || name == "allSessions" || name == "sessionInfos" ||
           name == "delfiles" || name == "txnLog" || name.starts_with("session") ||
           name.starts_with("locked");
  }
  return true;
}

TEST(Golden, EveryCapturedValueIsWrittenBackByteForByte) {
  std::set<std::string> seen;
  for (const GoldenKey& key : golden_keys()) {
    if (auto parsed = KeySpace().parse(key.name))
      check_numbered(key, parsed->kind, seen);
    else if (check_named(key))
      seen.insert(key.name);
    else
      ADD_FAILURE() << "a key that the schema does not name: " << key.name;
  }
  // A scene that lost its point would otherwise pass unseen.
  for (const char* wanted :
       {"i", "d", "p", "c", "s", "x", "setting", "acl", "aclMaxId", "allSessions", "delSlices",
        "delfiles", "dirQuota", "userQuota", "groupQuota", "dirUsedSpace", "lockf2", "lockp4",
        "locked1", "session1", "sessionInfos", "sliceRef", "txnLog", "txnLastLog", "nextTrash"})
    EXPECT_TRUE(seen.contains(wanted)) << wanted << " was not captured";
}

TEST(Golden, KeysAreNamedAsWeNameThem) {
  for (const GoldenKey& key : golden_keys()) {
    const auto parsed = KeySpace().parse(key.name);
    if (!parsed) continue;
    const KeySpace keys;
    const std::map<char, std::string> names = {
        {'i', keys.attr(parsed->ino)},    {'d', keys.dir(parsed->ino)},
        {'p', keys.parents(parsed->ino)}, {'c', keys.chunk(parsed->ino, parsed->index)},
        {'s', keys.symlink(parsed->ino)}, {'x', keys.xattrs(parsed->ino)}};
    EXPECT_EQ(names.at(parsed->kind), key.name);
  }
  const SliceRecord copied = *decode_slice(golden_key("contents", "c6_0").items.at(0));
  EXPECT_EQ(golden_key("contents", "sliceRef").hash.at(slice_ref_field(copied.id, copied.size)),
            "2");  // the file itself and two pieces in its copy, less one
  EXPECT_TRUE(golden_key("contents", "delfiles").scores.contains(dead_file_member(10, 60'000)));
  EXPECT_EQ(golden_key("locks", "locked1").items,
            (std::vector<std::string>{KeySpace().flock(2), KeySpace().flock(3),
                                      KeySpace().plock(4), KeySpace().plock(5)}));
}

TEST(Golden, AttributesMeanWhatTheSceneDid) {
  const auto attr = [](const char* scene, const char* name) {
    return *decode_attr(golden_key(scene, name).string);
  };
  const Attr file = attr("names", "i4");
  EXPECT_EQ(file.type, FileType::kFile);
  EXPECT_EQ(file.perm, 0751);  // 06751 before it was given to another user
  EXPECT_EQ(file.uid, 1001u);
  EXPECT_EQ(file.gid, 2002u);
  EXPECT_EQ(file.mtime, (Timestamp{1'700'000'000, 123'456'789}));
  EXPECT_EQ(file.nlink, 2u);
  EXPECT_EQ(file.parent, 0u);
  EXPECT_EQ(attr("names", "i7").rdev, 0x103u);
  EXPECT_EQ(attr("names", "i12").flags, kImmutable);
  EXPECT_EQ(attr("names", "i13").flags, kAppendOnly);
  EXPECT_EQ(attr("acls", "i4").access_acl, 2u);
  EXPECT_EQ(attr("acls", "i4").default_acl, 2u);
  EXPECT_EQ(attr("acls", "i5").access_acl, 3u);
  EXPECT_EQ(attr("acls", "i5").default_acl, 0u);
  EXPECT_EQ(attr("tiers", "i3").tier, 2u);
  EXPECT_EQ(golden_key("tiers", "i3").string.size(), 73u);
  EXPECT_EQ(golden_key("tiers", "i4").string.size(), 81u);
  EXPECT_EQ(attr("tiers", "i4").tier, 1u);
  EXPECT_EQ(attr("tiers", "i4").access_acl, 2u);
}

TEST(Golden, TrashNamesAreTheClients) {
  const GoldenKey& hours = golden_key("trash", "d" + std::to_string(kTrashIno));
  ASSERT_EQ(hours.hash.size(), 1u);
  const auto& [hour, entry] = *hours.hash.begin();
  const Ino hour_ino = decode_dentry(entry)->ino;
  const Attr made = *decode_attr(golden_key("trash", KeySpace().attr(hour_ino)).string);
  EXPECT_EQ(hour, trash_hour_name(made.ctime));
  EXPECT_EQ(made.parent, kTrashIno);

  const auto& names = golden_key("trash", KeySpace().dir(hour_ino)).hash;
  std::string long_name;
  for (int i = 0; i < 62; ++i) long_name += "long";
  EXPECT_TRUE(names.contains(trash_entry_name(1, 5, long_name)));
  EXPECT_TRUE(names.contains(trash_entry_name(2, 4, "file")));
}

}  // namespace
}  // namespace fastmeta::model
