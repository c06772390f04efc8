// SPDX-License-Identifier: GPL-3.0-or-later
#include "mount/volume_format.h"

#include <gtest/gtest.h>

namespace fastmeta::host {
namespace {

TEST(VolumeFormat, TakesWhatTheDataSideNeeds) {
  std::string why;
  const auto format = parse_volume_format(
      R"({"Name":"v","Storage":"file","Bucket":"/data","BlockSize":1024,"Compression":"zstd",
          "HashPrefix":true,"UUID":"u"})",
      &why);
  ASSERT_TRUE(format) << why;
  EXPECT_EQ(format->name, "v");
  EXPECT_EQ(format->bucket, "/data/");
  EXPECT_EQ(format->block_bytes, 1u << 20);
  EXPECT_EQ(format->compression, "zstd");
  EXPECT_TRUE(format->hash_prefix);
}

TEST(VolumeFormat, RefusesWhatItCannotServeByName) {
  const auto refused = [](const std::string& json) {
    std::string why;
    EXPECT_FALSE(parse_volume_format(json, &why)) << json;
    return why;
  };
  EXPECT_NE(refused(R"({"Name":"v","Storage":"s3","Bucket":"http://x","BlockSize":4096})").find(
                "'s3'"),
            std::string::npos);
  EXPECT_NE(refused(R"({"Name":"v","Storage":"file","Bucket":"x","BlockSize":4096})").find("'x'"),
            std::string::npos);
  for (const char* size : {"0", "-1", "65537", "\"4096\"", "null"}) {
    EXPECT_NE(refused(std::string(R"({"Name":"v","Storage":"file","Bucket":"/x","BlockSize":)") +
                      size + "}")
                  .find("BlockSize"),
              std::string::npos);
  }
  EXPECT_FALSE(refused("[]").empty());
  EXPECT_FALSE(refused("not json").empty());
}

}  // namespace
}  // namespace fastmeta::host
