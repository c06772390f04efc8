// SPDX-License-Identifier: GPL-3.0-or-later
// Random work on several files by several threads, against byte arrays.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "rig.h"

namespace fastmeta::host::test {
namespace {

constexpr uint64_t kSpan = 3u << 20;  // of offsets around a chunk's border
constexpr uint64_t kBase = MDP_CHUNK_BYTES - kSpan / 2;
constexpr size_t kOpMax = 200u << 10;

struct Setting {
  const char* compression;
  bool hash_prefix;
  bool ranges;
  bool compact;
};

// One file, one owner; its contents from kBase on.
class Worker {
 public:
  Worker(Rig& rig, uint64_t ino, uint64_t seed)
      : rig_(rig), ino_(ino), random_(seed), file_(rig.open(ino)) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step(i);
    check("at the end");
  }

 private:
  uint64_t below(uint64_t n) { return random_() % n; }

  void step(int i) {
    switch (below(16)) {
      case 0:
        ASSERT_EQ(file_->flush(), 0);
        return;
      case 1:
        return truncate();
      case 2:
        return punch();
      case 3:  // closed and opened again
        ASSERT_EQ(file_->flush(), 0);
        file_.reset();
        file_ = rig_.open(ino_);
        return;
      case 4:
      case 5:
      case 6:
      case 7:
        return read(i);
      case 8:
      case 9:
      case 10:  // goes on where the last write ended
        return write(next_);
      default:
        return write(kBase + below(kSpan - kOpMax));
    }
  }

  void write(uint64_t off) {
    const size_t most = below(3) == 0 ? kOpMax : 5000;
    if (off + most > kBase + kSpan) off = kBase;
    const std::string bytes = pattern(1 + below(most), random_());
    ASSERT_EQ(rig_.write(*file_, off, bytes), 0);
    next_ = off + bytes.size();
    const size_t at = off - kBase;
    if (model_.size() < at + bytes.size()) model_.resize(at + bytes.size());
    std::memcpy(model_.data() + at, bytes.data(), bytes.size());
    mdp_attr attr = rig_.plugin.file(ino_).attr;
    file_->overlay(&attr);
    ASSERT_EQ(attr.length, length());
  }

  void read(int i) {
    const uint64_t off = kBase + below(kSpan);
    const size_t size = 1 + below(below(3) == 0 ? kOpMax : 5000);
    const size_t at = off - kBase;
    const std::string want = at < model_.size() ? model_.substr(at, size) : "";
    ASSERT_TRUE(rig_.read(*file_, off, size) == want)
        << "inode " << ino_ << " step " << i << ": " << size << " bytes at " << off;
  }

  void truncate() {
    const size_t size = below(4) == 0 ? below(kSpan) : below(model_.size() + 1);
    mdp_attr attr{};
    ASSERT_EQ(file_->truncate(somebody(), kBase + size, &attr), 0);
    model_.resize(size);
    grown_ = true;
    ASSERT_EQ(attr.length, length());
  }

  void punch() {
    if (model_.size() < 10) return;
    const size_t at = below(model_.size() - 5);
    const uint64_t off = kBase + at;
    const uint64_t to_border = MDP_CHUNK_BYTES - off % MDP_CHUNK_BYTES;
    const size_t size = std::min<uint64_t>(1 + below(model_.size() - at), to_border);
    mdp_attr attr{};
    ASSERT_EQ(file_->fallocate(somebody(), 0x03, off, size, &attr), 0);
    std::memset(model_.data() + at, 0, size);
  }

  void check(const char* when) {
    ASSERT_EQ(file_->flush(), 0);
    ASSERT_FALSE(file_->dirty());
    ASSERT_TRUE(rig_.read(*file_, kBase, kSpan + 1) == model_) << "inode " << ino_ << " " << when;
    ASSERT_EQ(rig_.read(*file_, 0, 100), std::string(std::min<uint64_t>(length(), 100), '\0'));
  }

  uint64_t length() const { return model_.empty() && !grown_ ? 0 : kBase + model_.size(); }

  Rig& rig_;
  const uint64_t ino_;
  std::mt19937_64 random_;
  std::shared_ptr<Handle> file_;
  std::string model_;
  bool grown_ = false;
  uint64_t next_ = kBase;
};

class Model : public testing::TestWithParam<Setting> {};

TEST_P(Model, ReadsWhatWasWritten) {
  RigOptions options;
  options.compression = GetParam().compression;
  options.hash_prefix = GetParam().hash_prefix;
  options.ranges = GetParam().ranges;
  options.data.compact = GetParam().compact;
  // Small, so that writers wait, blocks are evicted and slices are old at once.
  options.data.write_buffer_bytes = 2u << 20;
  options.data.block_cache_bytes = 1u << 20;
  options.data.readahead_bytes = 256u << 10;
  options.data.flush_age = std::chrono::milliseconds(20);
  options.data.missing_object_retry = std::chrono::seconds(5);
  Rig rig(options);
  const char* text = std::getenv("SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("SEED=" + std::to_string(seed));
  std::vector<std::thread> threads;
  for (uint64_t ino = 2; ino < 6; ++ino) {
    threads.emplace_back([&rig, ino, seed] { Worker(rig, ino, seed + ino).run(400); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(rig.engine->stop(std::chrono::seconds(10)), 0);
  EXPECT_EQ(rig.engine->stats().buffered_bytes, 0u);
  EXPECT_EQ(rig.log(), "");
  if (GetParam().compact) {
    EXPECT_GT(rig.engine->stats().compactions, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllFormats, Model,
    testing::Values(Setting{"none", false, true, false}, Setting{"none", true, false, false},
                    Setting{"lz4", false, true, false}, Setting{"zstd", true, true, false},
                    Setting{"none", false, true, true}, Setting{"lz4", true, true, true}),
    [](const auto& info) {
      const Setting& it = info.param;
      return std::string(it.compression) + (it.hash_prefix ? "_hash" : "") +
             (it.ranges ? "" : "_whole") + (it.compact ? "_compact" : "");
    });

// Two threads on one file, each in its own stripes.
TEST(Writers, OfOneFileDoNotDisturbEachOther) {
  RigOptions options;
  options.data.write_buffer_bytes = 1u << 20;
  options.data.flush_age = std::chrono::milliseconds(5);
  Rig rig(options);
  const auto file = rig.open(2);
  constexpr size_t kStripe = 10000;
  constexpr int kStripes = 400;
  std::vector<std::thread> threads;
  for (int half = 0; half < 2; ++half) {
    threads.emplace_back([&, half] {
      for (int i = half; i < kStripes; i += 2) {
        const auto stripe = static_cast<size_t>(i);
        const std::string bytes = pattern(kStripe, stripe);
        ASSERT_EQ(rig.write(*file, stripe * kStripe, bytes), 0);
        ASSERT_TRUE(rig.read(*file, stripe * kStripe, kStripe) == bytes);
        if (i % 50 < 2) {
          ASSERT_EQ(file->flush(), 0);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < kStripes; ++i) {
    ASSERT_TRUE(rig.read(*file, i * kStripe, kStripe) == pattern(kStripe, i)) << "stripe " << i;
  }
}

}  // namespace
}  // namespace fastmeta::host::test
