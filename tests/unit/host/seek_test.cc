// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuse/seek.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>

namespace fastmeta::host {
namespace {

constexpr uint64_t kChunk = MDP_CHUNK_BYTES;

struct SeekTest : testing::Test {
  // Data at [from, to) of the file, inside one chunk; in order.
  void data(uint64_t from, uint64_t to) {
    auto& pieces = chunks_[static_cast<uint32_t>(from / kChunk)];
    const auto pos = static_cast<uint32_t>(from % kChunk);
    const uint32_t end = pieces.empty() ? 0 : pieces.back().pos + pieces.back().len;
    if (pos > end) pieces.push_back({0, end, pos - end, 0, pos - end});
    const auto len = static_cast<uint32_t>(to - from);
    pieces.push_back({1, pos, len, 0, len});
  }
  int64_t seek(uint64_t off, bool hole) {
    const auto chunk = [&](uint32_t index, std::vector<mdp_slice>* out) {
      *out = chunks_[index];
      ++asked_;
      return 0;
    };
    uint64_t found = 0;
    const int rc = seek_file(chunk, length_, off, hole, [&] { return interrupted_; }, &found);
    return rc != 0 ? rc : static_cast<int64_t>(found);
  }
  std::map<uint32_t, std::vector<mdp_slice>> chunks_;
  uint64_t length_ = 0;
  int asked_ = 0;
  bool interrupted_ = false;
};

TEST_F(SeekTest, FindsDataAndHolesInsideAChunk) {
  length_ = 1000;
  data(100, 200);
  data(200, 300);
  data(500, 600);
  EXPECT_EQ(seek(0, false), 100);
  EXPECT_EQ(seek(0, true), 0);
  EXPECT_EQ(seek(150, false), 150);
  EXPECT_EQ(seek(150, true), 300);
  EXPECT_EQ(seek(300, false), 500);
  EXPECT_EQ(seek(599, true), 600);
  EXPECT_EQ(seek(600, false), -ENXIO);
  EXPECT_EQ(seek(600, true), 600);
  EXPECT_EQ(seek(999, true), 999);
  EXPECT_EQ(seek(1000, true), -ENXIO);
  EXPECT_EQ(seek(1000, false), -ENXIO);
}

TEST_F(SeekTest, TheEndOfTheFileIsAHole) {
  length_ = 300;
  data(0, 300);
  EXPECT_EQ(seek(0, true), 300);
  data(300, 400);  // cut off by the length
  EXPECT_EQ(seek(0, true), 300);
  EXPECT_EQ(seek(300, false), -ENXIO);
}

TEST_F(SeekTest, GoesOverChunkBoundaries) {
  length_ = 3 * kChunk;
  data(kChunk - 10, kChunk);
  data(kChunk, kChunk + 5);
  data(2 * kChunk + 7, 2 * kChunk + 9);
  EXPECT_EQ(seek(0, false), static_cast<int64_t>(kChunk - 10));
  EXPECT_EQ(seek(kChunk - 1, true), static_cast<int64_t>(kChunk + 5));
  EXPECT_EQ(seek(kChunk + 5, false), static_cast<int64_t>(2 * kChunk + 7));
  EXPECT_EQ(seek(2 * kChunk + 9, false), -ENXIO);
}

TEST_F(SeekTest, CanBeInterruptedInALongFileOfHoles) {
  length_ = 1000 * kChunk;
  interrupted_ = true;
  EXPECT_EQ(seek(0, false), -EINTR);
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace fastmeta::host
