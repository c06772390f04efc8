// SPDX-License-Identifier: GPL-3.0-or-later
// Names, codecs and files: what other clients read.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "data/codec.h"
#include "data/object_name.h"
#include "rig.h"

namespace fastmeta::host::test {
namespace fs = std::filesystem;

TEST(ObjectNames, AreThoseOfTheFormat) {
  EXPECT_EQ(object_name(false, 18, 0, 4194304), "chunks/0/0/18_0_4194304");
  EXPECT_EQ(object_name(false, 18, 1, 2097152), "chunks/0/0/18_1_2097152");
  EXPECT_EQ(object_name(true, 12, 0, 4096), "chunks/0C/0/12_0_4096");
  EXPECT_EQ(object_name(false, 99999999, 0, 10), "chunks/99/99999/99999999_0_10");
  EXPECT_EQ(object_name(true, 1000255, 3, 7), "chunks/3F/1/1000255_3_7");
}

TEST(Blocks, OnlyTheLastIsShorter) {
  EXPECT_EQ(block_count(6u << 20, 4u << 20), 2u);
  EXPECT_EQ(bytes_of_block(6u << 20, 4u << 20, 0), 4u << 20);
  EXPECT_EQ(bytes_of_block(6u << 20, 4u << 20, 1), 2u << 20);
  EXPECT_EQ(block_count(64u << 20, 4u << 20), 16u);
  EXPECT_EQ(block_count(1, 4u << 20), 1u);
}

TEST(Codecs, AreFoundByNameInAnyCase) {
  EXPECT_EQ(compression_by_name(""), Compression::kNone);
  EXPECT_EQ(compression_by_name("NONE"), Compression::kNone);
  EXPECT_EQ(compression_by_name("LZ4"), Compression::kLz4);
  EXPECT_EQ(compression_by_name("Zstd"), Compression::kZstd);
  EXPECT_EQ(compression_by_name("gzip"), std::nullopt);
}

// What the format's description names as an example.
TEST(Codecs, Lz4IsOneRawBlock) {
  std::vector<char> packed;
  ASSERT_EQ(encode(Compression::kLz4, "two", 3, &packed), 0);
  EXPECT_EQ(std::string(packed.data(), packed.size()), "\x30two");
}

TEST(Codecs, ZstdIsAnOrdinaryFrame) {
  std::vector<char> packed;
  ASSERT_EQ(encode(Compression::kZstd, "two", 3, &packed), 0);
  ASSERT_GE(packed.size(), 4u);
  EXPECT_EQ(std::string(packed.data(), 4), "\x28\xB5\x2F\xFD");
}

TEST(Codecs, DecodeWhatTheyEncoded) {
  for (const auto how : {Compression::kLz4, Compression::kZstd}) {
    for (const size_t size : {1u, 100u, 65536u, 65535u}) {
      const std::string in = pattern(size, size);
      std::vector<char> packed;
      ASSERT_EQ(encode(how, in.data(), in.size(), &packed), 0);
      EXPECT_LE(packed.size(), encoded_most(how, size));
      std::string out(size, '?');
      ASSERT_EQ(decode(how, packed.data(), packed.size(), out.data(), size), 0);
      EXPECT_EQ(in, out);
    }
  }
}

TEST(Codecs, RefuseWhatHasAnotherLengthOrIsTorn) {
  for (const auto how : {Compression::kLz4, Compression::kZstd}) {
    const std::string in = pattern(5000, 1);
    std::vector<char> packed;
    ASSERT_EQ(encode(how, in.data(), in.size(), &packed), 0);
    std::string out(6000, '?');
    EXPECT_EQ(decode(how, packed.data(), packed.size(), out.data(), 4999), -EBADMSG);
    EXPECT_EQ(decode(how, packed.data(), packed.size(), out.data(), 5001), -EBADMSG);
    EXPECT_EQ(decode(how, packed.data(), packed.size() / 2, out.data(), 5000), -EBADMSG);
    EXPECT_EQ(decode(how, packed.data(), 0, out.data(), 5000), -EBADMSG);
  }
}

class FileStores : public testing::Test {
 protected:
  FileStores() {
    std::string name = (fs::temp_directory_path() / "file_store.XXXXXX").string();
    root_ = std::string(::mkdtemp(name.data())) + "/";
  }
  ~FileStores() override { fs::remove_all(root_); }
  std::string root_;
};

TEST_F(FileStores, MakeDirectoriesAndLeaveNoTemporaryFile) {
  fs::create_directories(root_ + "new/vol");
  FileStore store(root_ + "new/vol/");
  ASSERT_EQ(store.put("chunks/1/2/a_0_3", "abc", 3), 0);
  ASSERT_EQ(store.put("chunks/1/2/a_0_3", "xyz", 3), 0) << "writing again replaces";
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root_ + "new/vol/chunks/1/2")) {
    names.push_back(entry.path().filename());
  }
  EXPECT_EQ(names, std::vector<std::string>{"a_0_3"});
  std::vector<char> out;
  ASSERT_EQ(store.get("chunks/1/2/a_0_3", 3, &out), 0);
  EXPECT_EQ(std::string(out.data(), out.size()), "xyz");
}

TEST_F(FileStores, TellMissingFromWrongLength) {
  FileStore store(root_);
  ASSERT_EQ(store.put("a", "abcdef", 6), 0);
  char out[6];
  EXPECT_EQ(store.get_range("a", 6, 2, 3, out), 0);
  EXPECT_EQ(std::string(out, 3), "cde");
  EXPECT_EQ(store.get_range("a", 7, 2, 3, out), -EBADMSG);
  EXPECT_EQ(store.get_range("a", 5, 2, 3, out), -EBADMSG);
  EXPECT_EQ(store.get_range("b", 6, 0, 1, out), -ENOENT);
  std::vector<char> all;
  EXPECT_EQ(store.get("a", 5, &all), -EBADMSG);
  EXPECT_EQ(store.get("b", 5, &all), -ENOENT);
  uint64_t size = 0;
  EXPECT_EQ(store.size_of("b", &size), -ENOENT);
}

TEST_F(FileStores, RemovingWhatIsNotThereSucceeds) {
  FileStore store(root_);
  ASSERT_EQ(store.put("a", "x", 1), 0);
  EXPECT_EQ(store.remove("a"), 0);
  EXPECT_EQ(store.remove("a"), 0);
}

TEST_F(FileStores, SyncWhatIsThere) {
  FileStore store(root_);
  std::vector<std::string> names = {"chunks/9/9/gone_0_1"};
  for (int i = 0; i < 200; ++i) {
    names.push_back("chunks/0/" + std::to_string(i / 90) + "/a" + std::to_string(i));
    ASSERT_EQ(store.put(names.back(), "abc", 3), 0);
  }
  EXPECT_EQ(store.sync(names), 0);
  EXPECT_EQ(store.sync(names), 0);
  EXPECT_EQ(store.sync_all(), 0);
  std::ofstream(root_ + "file") << "in the way";
  EXPECT_EQ(store.sync({"file/a"}), -ENOTDIR);
  EXPECT_EQ(FileStore(root_ + "vol/").sync_all(), -ENODEV);
}

TEST_F(FileStores, DoNotMakeABucketThatIsGone) {
  FileStore store(root_ + "vol/");
  EXPECT_EQ(store.put("chunks/1/2/a_0_3", "abc", 3), -ENODEV);
  EXPECT_FALSE(fs::exists(root_ + "vol"));
}

TEST_F(FileStores, SayWhyAnObjectCannotBeWritten) {
  std::ofstream(root_ + "file") << "in the way";
  FileStore store(root_);
  EXPECT_EQ(store.put("file/a", "x", 1), -ENOTDIR);
}

TEST_F(FileStores, PreparedBucketHoldsTheIdentity) {
  VolumeFormat format;
  format.name = "vol";
  format.bucket = root_ + "bucket/";
  std::string why;
  ASSERT_EQ(prepare_bucket(format, "0123-abc", &why), 0) << why;
  std::ifstream in(root_ + "bucket/vol/juicefs_uuid");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, "0123-abc");

  std::ofstream(root_ + "taken") << "a file";
  format.bucket = root_ + "taken/";
  EXPECT_EQ(prepare_bucket(format, "0123-abc", &why), -ENOTDIR);
  EXPECT_NE(why.find(root_ + "taken/vol/"), std::string::npos) << why;
}

TEST_F(FileStores, ABucketOfAnotherVolumeIsNeitherFormattedNorMounted) {
  VolumeFormat format;
  format.name = "vol";
  format.bucket = root_ + "bucket/";
  format.storage = "file";
  std::string why;
  EXPECT_EQ(check_bucket_is_free(format, &why), 0) << why;
  ASSERT_EQ(prepare_bucket(format, "0123-abc", &why), 0) << why;
  EXPECT_EQ(check_bucket_is_free(format, &why), -EEXIST);
  EXPECT_NE(why.find(root_ + "bucket/vol/"), std::string::npos) << why;

  FakePlugin plugin;
  const auto open = [&](const std::string& uuid) {
    format.uuid = uuid;
    why.clear();
    return DataEngine::open(format, {}, plugin.ops(), plugin.volume(),
                            [](int, const std::string&) {}, &why) != nullptr;
  };
  EXPECT_TRUE(open("0123-abc")) << why;
  EXPECT_TRUE(open("")) << "of a plugin whose volumes have no identity";
  EXPECT_FALSE(open("0123-abd"));
  EXPECT_NE(why.find("0123-abc"), std::string::npos) << why;
  std::ofstream(root_ + "bucket/vol/juicefs_uuid") << std::string(100, 'x');
  EXPECT_FALSE(open("0123-abc")) << "what is no identity is not taken for a missing one";
  EXPECT_NE(why.find("juicefs_uuid"), std::string::npos) << why;
}

TEST_F(FileStores, ABucketThatIsNotThereIsNotMadeByAMount) {
  VolumeFormat format;
  format.name = "vol";
  format.bucket = root_;
  format.storage = "file";
  format.uuid = "0123-abc";
  FakePlugin plugin;
  std::string why;
  const auto open = [&] {
    return DataEngine::open(format, {}, plugin.ops(), plugin.volume(),
                            [](int, const std::string&) {}, &why) != nullptr;
  };
  EXPECT_FALSE(open());
  EXPECT_EQ(why, "bucket " + root_ + "vol/: No such file or directory; mount its file system, or "
                 "correct the bucket of the volume");
  EXPECT_FALSE(fs::exists(root_ + "vol"));
  fs::create_directory(root_ + "vol");
  EXPECT_FALSE(open());
  EXPECT_NE(why.find("printf 0123-abc > " + root_ + "vol/juicefs_uuid"), std::string::npos) << why;
  std::ofstream(root_ + "vol/juicefs_uuid") << "0123-abc";
  EXPECT_TRUE(open()) << why;
}

TEST_F(FileStores, EngineNamesWhatItCannotUse) {
  FakePlugin plugin;
  const auto refused = [&](const VolumeFormat& format) {
    std::string why;
    const auto engine = DataEngine::open(format, {}, plugin.ops(), plugin.volume(),
                                         [](int, const std::string&) {}, &why);
    EXPECT_EQ(engine, nullptr);
    return why;
  };
  VolumeFormat format;
  format.name = "vol";
  format.storage = "s3";
  format.bucket = root_;
  EXPECT_NE(refused(format).find("\"s3\""), std::string::npos);
  format.storage = "file";
  fs::create_directory(root_ + "vol");
  format.compression = "gzip";
  EXPECT_NE(refused(format).find("\"gzip\""), std::string::npos);
  format.compression = "none";
  format.bucket = "relative/";
  EXPECT_NE(refused(format).find("\"relative/\""), std::string::npos);
}

}  // namespace fastmeta::host::test
