// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/overlay.h"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "chunk_model.h"

namespace fastmeta::model {

void PrintTo(const SliceRecord& r, std::ostream* out) {
  *out << "{pos " << r.pos << " id " << r.id << " size " << r.size << " off " << r.off << " len "
       << r.len << "}";
}

namespace {

using Records = std::vector<SliceRecord>;

TEST(Overlay, ShowsTheNewestByTable) {
  struct Case {
    const char* what;
    Records records;
    Records pieces;
  };
  const Case cases[] = {
      {"nothing", {}, {}},
      {"one", {{0, 1, 10, 0, 10}}, {{0, 1, 10, 0, 10}}},
      {"a gap in front", {{5, 1, 10, 2, 8}}, {{0, 0, 0, 0, 5}, {5, 1, 10, 2, 8}}},
      {"the same place", {{0, 1, 10, 0, 10}, {0, 2, 10, 0, 10}}, {{0, 2, 10, 0, 10}}},
      {"its head", {{0, 1, 10, 0, 10}, {0, 2, 4, 0, 4}}, {{0, 2, 4, 0, 4}, {4, 1, 10, 4, 6}}},
      {"its tail", {{0, 1, 10, 0, 10}, {6, 2, 4, 0, 4}}, {{0, 1, 10, 0, 6}, {6, 2, 4, 0, 4}}},
      {"its middle",
       {{0, 1, 20, 5, 10}, {3, 2, 9, 1, 4}},
       {{0, 1, 20, 5, 3}, {3, 2, 9, 1, 4}, {7, 1, 20, 12, 3}}},
      {"across two",
       {{0, 1, 10, 0, 10}, {10, 2, 10, 0, 10}, {5, 3, 10, 0, 10}},
       {{0, 1, 10, 0, 5}, {5, 3, 10, 0, 10}, {15, 2, 10, 5, 5}}},
      {"a gap between", {{0, 1, 4, 0, 4}, {8, 2, 4, 0, 4}},
       {{0, 1, 4, 0, 4}, {4, 0, 0, 0, 4}, {8, 2, 4, 0, 4}}},
      {"a hole", {{0, 1, 10, 0, 10}, {2, 0, 0, 0, 5}},
       {{0, 1, 10, 0, 2}, {2, 0, 0, 0, 5}, {7, 1, 10, 7, 3}}},
      {"zeros beside a gap are one piece, whatever their off says",
       {{4, 0, 0, 99, 4}, {10, 1, 2, 0, 2}, {12, 0, 0, 7, 3}},
       {{0, 0, 0, 0, 10}, {10, 1, 2, 0, 2}, {12, 0, 0, 0, 3}}},
      {"zeros only", {{0, 0, 0, 0, 4}, {8, 0, 0, 0, 4}}, {{0, 0, 0, 0, 12}}},
      {"a record without length", {{5, 1, 10, 0, 0}}, {}},
      {"the end of the chunk",
       {{static_cast<uint32_t>(kChunkBytes) - 2, 1, 2, 0, 2}},
       {{0, 0, 0, 0, static_cast<uint32_t>(kChunkBytes) - 2},
        {static_cast<uint32_t>(kChunkBytes) - 2, 1, 2, 0, 2}}},
  };
  for (const Case& c : cases) EXPECT_EQ(overlay(c.records), c.pieces) << c.what;
}

TEST(Overlay, ShowsTheBytesThatWritingInOrderWouldShow) {
  std::mt19937 random(4);
  for (int round = 0; round < 3000; ++round) {
    const uint32_t space = 1 + random() % 300;
    const Records records = random_records(random, random() % 25, space, 1);
    const auto pieces = overlay(records);
    EXPECT_EQ(visible(pieces, space), visible(records, space));

    uint32_t end = 0;
    for (const SliceRecord& record : records)
      if (record.len > 0) end = std::max(end, record.pos + record.len);
    uint32_t at = 0;
    bool zeros = false;
    for (const SliceRecord& piece : pieces) {
      EXPECT_EQ(piece.pos, at);
      EXPECT_GT(piece.len, 0u);
      EXPECT_FALSE(zeros && piece.id == 0) << "zeros beside zeros";
      zeros = piece.id == 0;
      if (zeros) {
        EXPECT_EQ(piece, (SliceRecord{piece.pos, 0, 0, 0, piece.len}));
      }
      at += piece.len;
    }
    EXPECT_EQ(at, end);
    EXPECT_EQ(overlay(pieces), pieces);
    if (HasFailure()) FAIL() << "in round " << round;
  }
}

TEST(Cut, TakesThePartThatIsAskedFor) {
  const Records pieces = {{0, 1, 20, 3, 10}, {10, 0, 0, 0, 5}, {15, 2, 9, 0, 9}};
  EXPECT_EQ(cut(pieces, 0, 24), pieces);
  EXPECT_EQ(cut(pieces, 0, 0xFFFFFFFF), pieces);
  EXPECT_EQ(cut(pieces, 2, 3), (Records{{2, 1, 20, 5, 3}}));
  EXPECT_EQ(cut(pieces, 8, 9), (Records{{8, 1, 20, 11, 2}, {10, 0, 0, 0, 5}, {15, 2, 9, 0, 2}}));
  EXPECT_EQ(cut(pieces, 12, 2), (Records{{12, 0, 0, 0, 2}}));
  EXPECT_EQ(cut(pieces, 20, 100), (Records{{20, 2, 9, 5, 4}}));
  EXPECT_EQ(cut(pieces, 24, 10), Records{});
  EXPECT_EQ(cut(pieces, 5, 0), Records{});
  EXPECT_EQ(cut({}, 0, 10), Records{});
}

TEST(Cut, ShowsTheSameBytesInsideAndNothingOutside) {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    const uint32_t space = 1 + random() % 200;
    const auto pieces = overlay(random_records(random, random() % 15, space, 1));
    const uint32_t pos = random() % (space + 20);
    const uint32_t len = random() % (space + 20);
    const auto part = cut(pieces, pos, len);
    const auto whole = visible(pieces, space);
    const auto shown = visible(part, space);
    for (uint32_t i = 0; i < space; ++i)
      ASSERT_EQ(shown[i], i >= pos && i < uint64_t{pos} + len ? whole[i] : 0) << round;
    for (const SliceRecord& piece : part) {
      ASSERT_GE(piece.pos, pos);
      ASSERT_LE(piece.pos + piece.len, uint64_t{pos} + len);
    }
  }
}

}  // namespace
}  // namespace fastmeta::model
