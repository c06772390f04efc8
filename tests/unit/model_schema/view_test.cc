// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "model/schema/codec.h"

namespace fastmeta::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class TestView : public View {
 public:
  using View::View;
  bool open_here(Ino) const override { return false; }
  std::map<ReadKey, RawValue> values;

 protected:
  const RawValue* find(const ReadKey& read) const override {
    auto it = values.find(read);
    return it == values.end() ? nullptr : &it->second;
  }
};

class ViewTest : public testing::Test {
 protected:
  static RawValue bytes(std::string text) {
    RawValue value;
    value.exists = true;
    value.bytes = std::move(text);
    return value;
  }

  VolumeFacts facts;
  KeySpace keys{"{2}"};
  TestView view{facts, keys};
};

template <typename T>
void expect_corrupt_at(const Result<T>& result, const std::string& where) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::kCorrupt);
  EXPECT_EQ(result.error().code, EIO);
  EXPECT_THAT(result.error().text, StartsWith(where));
  EXPECT_THAT(result.error().text, HasSubstr("offset "));
}

TEST_F(ViewTest, ReadsKeysWithThePrefixOfTheCluster) {
  EXPECT_EQ(view.attr_key(5), (ReadKey{ReadKind::kString, "{2}i5", ""}));
  EXPECT_EQ(view.dentry_key(5, "n"), (ReadKey{ReadKind::kField, "{2}d5", "n"}));
  EXPECT_TRUE(view.dentry_key(5, "n").watch);
  EXPECT_FALSE(view.dentry_key_unwatched(5, "n").watch);
  EXPECT_EQ(view.dir_count_key(5), (ReadKey{ReadKind::kHashCount, "{2}d5", ""}));
  EXPECT_EQ(view.chunk_key(5, 3), (ReadKey{ReadKind::kList, "{2}c5_3", ""}));
  EXPECT_EQ(view.parents_key(5), (ReadKey{ReadKind::kHash, "{2}p5", ""}));
  EXPECT_EQ(view.symlink_key(5), (ReadKey{ReadKind::kString, "{2}s5", ""}));
  EXPECT_EQ(view.xattr_key(5, "user.a"), (ReadKey{ReadKind::kField, "{2}x5", "user.a"}));
  EXPECT_EQ(view.xattrs_key(5), (ReadKey{ReadKind::kHash, "{2}x5", ""}));
}

TEST_F(ViewTest, NotesAllThatIsMissingAtOnceAndEachOnce) {
  view.values[view.attr_key(1)] = bytes(encode_attr({}));
  auto needed = view.need({view.attr_key(1), view.attr_key(2), view.dentry_key(1, "a"),
                           view.attr_key(2)});
  ASSERT_FALSE(needed);
  EXPECT_EQ(needed.error().fault, Fault::kMissing);
  EXPECT_THAT(view.needed(), ElementsAre(view.attr_key(2), view.dentry_key(1, "a")));

  EXPECT_EQ(view.attr(2).error().fault, Fault::kMissing);
  EXPECT_EQ(view.attr(3).error().fault, Fault::kMissing);
  EXPECT_THAT(view.needed(),
              ElementsAre(view.attr_key(2), view.dentry_key(1, "a"), view.attr_key(3)));

  view.clear_needed();
  for (Ino ino : {2, 3}) view.values[view.attr_key(ino)];
  view.values[view.dentry_key(1, "a")];
  EXPECT_TRUE(view.need({view.attr_key(2), view.dentry_key(1, "a")}));
  EXPECT_FALSE(view.attr(2)->has_value());
  EXPECT_TRUE(view.needed().empty());
}

TEST_F(ViewTest, WatchesAReadThatAnybodyWantsWatched) {
  (void)view.need({view.dentry_key_unwatched(1, "a")}).has_value();
  EXPECT_FALSE(view.needed()[0].watch);
  (void)view.need({view.dentry_key(1, "a")}).has_value();
  ASSERT_EQ(view.needed().size(), 1u);
  EXPECT_TRUE(view.needed()[0].watch);
  (void)view.need({view.dentry_key_unwatched(1, "a")}).has_value();
  EXPECT_TRUE(view.needed()[0].watch);
}

TEST_F(ViewTest, ReadsTypedValues) {
  Attr attr;
  attr.length = 77;
  view.values[view.attr_key(2)] = bytes(encode_attr(attr));
  EXPECT_EQ(**view.attr(2), attr);

  const Dentry dentry{FileType::kFifo, 9};
  view.values[view.dentry_key(1, "f")] = bytes(encode_dentry(dentry));
  EXPECT_EQ(**view.dentry(1, "f"), dentry);
  EXPECT_TRUE(*view.dentry_exists_unwatched(1, "f"));
  view.values[view.dentry_key(1, "none")];
  EXPECT_FALSE(view.dentry(1, "none")->has_value());
  EXPECT_FALSE(*view.dentry_exists_unwatched(1, "none"));

  view.values[view.dir_count_key(1)].count = 3;
  EXPECT_FALSE(*view.dir_empty(1));
  view.values[view.dir_count_key(2)];
  EXPECT_TRUE(*view.dir_empty(2));

  const SliceRecord record{1, 2, 10, 0, 10};
  view.values[view.chunk_key(2, 0)].items = {encode_slice(record), encode_slice(record)};
  EXPECT_THAT(*view.chunk(2, 0), ElementsAre(record, record));

  view.values[view.parents_key(2)].fields = {{"1", "2"}, {"7", "0"}, {"8", "-1"}};
  EXPECT_EQ(*view.parents(2), (std::map<Ino, int64_t>{{1, 2}}));

  view.values[view.symlink_key(3)] = bytes("to");
  EXPECT_EQ(**view.symlink(3), "to");
  view.values[view.symlink_key(4)];
  EXPECT_FALSE(view.symlink(4)->has_value());

  view.values[view.xattr_key(2, "user.a")] = bytes("");
  EXPECT_EQ(**view.xattr(2, "user.a"), "");
  view.values[view.xattrs_key(2)].fields = {{"user.a", ""}, {"user.b", "1"}};
  EXPECT_THAT(*view.xattr_names(2), ElementsAre("user.a", "user.b"));
  EXPECT_EQ(view.raw(view.dir_count_key(1))->count, 3u);
  EXPECT_EQ(view.raw(view.dir_count_key(9)).error().fault, Fault::kMissing);
}

TEST_F(ViewTest, NamesTheKeyAndTheOffsetOfBadBytes) {
  view.values[view.attr_key(2)] = bytes("short");
  expect_corrupt_at(view.attr(2), "{2}i2: offset 5:");
  view.values[view.dentry_key(1, "a\n")] = bytes("12345678901");
  expect_corrupt_at(view.dentry(1, "a\n"), "{2}d1 field \"a\\x0a\": offset 9:");
  view.values[view.chunk_key(2, 1)].items = {encode_slice({0, 1, 10, 0, 10}), "xx"};
  expect_corrupt_at(view.chunk(2, 1), "{2}c2_1 record 1: offset 2:");
  view.values[view.parents_key(2)].fields = {{"1", "many"}};
  expect_corrupt_at(view.parents(2), "{2}p2 field \"1\": offset 0:");
  view.values[view.parents_key(3)].fields = {{"x", "1"}};
  expect_corrupt_at(view.parents(3), "{2}p3 field \"x\": offset 0:");
}

}  // namespace
}  // namespace fastmeta::model
