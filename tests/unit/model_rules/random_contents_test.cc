// SPDX-License-Identifier: GPL-3.0-or-later
// Random changes of contents against files that are plain maps of bytes:
// writes, truncation, holes, copies, compaction, deletion. After each some file
// is read through the rules; at intervals the store is looked through.
#include "fsck.h"
#include "support/seed.h"

namespace fastmeta::test {
namespace {

constexpr int kContentsOperations = 3000;
constexpr uint32_t kMiB = 1 << 20;

// Bytes by offset; what is not there is zero.
using Bytes = std::map<uint64_t, uint8_t>;

void erase(Bytes& bytes, uint64_t from, uint64_t to) {
  bytes.erase(bytes.lower_bound(from), bytes.lower_bound(to));
}

struct File {
  uint64_t length = 0;
  Bytes bytes;
};

class RandomContents {
 public:
  RandomContents(uint64_t seed, bool trash) : dice_(seed) { w_.facts.trash = trash; }

  void run() {
    for (int i = 0; i < kContentsOperations && !::testing::Test::HasFailure(); ++i) {
      step_ = "operation " + std::to_string(i) + " ";
      step();
      if (i % 50 == 0) check_all();
    }
    w_.facts.trash = false;
    while (!files_.empty()) remove(files_.begin()->first);
    check_all();
    EXPECT_GT(compactions_, kContentsOperations / 40);
  }

 private:
  Ino any_file() { return dice_.pick(files_).first; }
  // Mostly around the borders of the first chunks.
  uint64_t any_offset() {
    const uint64_t base = dice_.below(4) * kChunkBytes;
    const uint64_t near = dice_.below(100);
    return base >= 50 ? base - 50 + near : near;
  }
  uint64_t any_length() {
    return dice_.one_in(8) ? dice_.below(2 * kChunkBytes) + 1 : dice_.below(60) + 1;
  }

  void step() {
    if (files_.size() < 3) return add();
    switch (dice_.below(12)) {
      case 0: return dice_.one_in(10) ? remove(any_file()) : add();
      case 1: case 2: return truncate(any_file());
      case 3: return punch(any_file());
      case 4: case 5: return copy(any_file(), any_file());
      case 6: case 7: return compact(any_file());
      default: return write(any_file());
    }
  }

  void add() {
    if (files_.size() >= 5) return;
    const Ino ino = w_.file(kRootIno, "f" + std::to_string(w_.next_ino));
    files_[ino];
  }

  void remove(Ino ino) {
    step_ += "remove";
    const bool trash = std::exchange(w_.facts.trash, false);
    ok(w_.unlink(kRoot, kRootIno, "f" + std::to_string(ino)));
    w_.facts.trash = trash;
    w_.purge();
    files_.erase(ino);
  }

  void write(Ino ino) {
    step_ += "write";
    uint64_t at = any_offset();
    uint64_t left = dice_.one_in(10) ? 2 * kMiB + dice_.below(kMiB) : dice_.below(80) + 1;
    while (left > 0) {
      const uint64_t pos = at % kChunkBytes;
      const auto len = static_cast<uint32_t>(std::min(left, kChunkBytes - pos));
      const uint64_t id = ++slice_;
      Bytes& data = slices_[id];
      for (int n = 0; n < 20; ++n)
        data[dice_.below(len)] = static_cast<uint8_t>(1 + dice_.below(255));
      ok(w_.write(ino, static_cast<uint32_t>(at / kChunkBytes),
                  {static_cast<uint32_t>(pos), id, len, 0, len}));
      File& file = files_[ino];
      erase(file.bytes, at, at + len);
      for (auto [off, byte] : data) file.bytes[at + off] = byte;
      file.length = std::max(file.length, at + len);
      at += len;
      left -= len;
    }
    check(ino);
  }

  void truncate(Ino ino) {
    step_ += "truncate";
    const uint64_t length = dice_.one_in(6) ? 0 : any_offset();
    ok(w_.truncate(ino, length));
    File& file = files_[ino];
    erase(file.bytes, length, UINT64_MAX);
    file.length = length;
    check(ino);
  }

  void punch(Ino ino) {
    step_ += "fallocate";
    const uint64_t off = any_offset(), len = any_length();
    static const std::vector<uint32_t> kModes = {
        0, kFallocKeepSize, kFallocPunchHole | kFallocKeepSize, kFallocZeroRange,
        kFallocZeroRange | kFallocKeepSize};
    const uint32_t mode = dice_.pick(kModes);
    ok(w_.fallocate(ino, mode, off, len));
    File& file = files_[ino];
    if (mode & (kFallocPunchHole | kFallocZeroRange)) erase(file.bytes, off, off + len);
    if (!(mode & kFallocKeepSize)) file.length = std::max(file.length, off + len);
    check(ino);
  }

  void copy(Ino from, Ino to) {
    step_ += "copy";
    const uint64_t from_off = any_offset(), to_off = any_offset(), len = any_length();
    auto copied = w_.copy(from, from_off, to, to_off, len);
    const bool overlaps = from == to && from_off < to_off + len && to_off < from_off + len;
    EXPECT_EQ(code_of(copied), overlaps ? EINVAL : 0) << step_;
    if (!copied) return;
    const File source = files_[from];
    const uint64_t expected =
        from_off >= source.length ? 0 : std::min(len, source.length - from_off);
    EXPECT_EQ(copied->copied, expected) << step_;
    if (expected == 0) return;
    File& file = files_[to];
    erase(file.bytes, to_off, to_off + expected);
    for (auto [at, byte] : source.bytes)
      if (at >= from_off && at < from_off + expected) file.bytes[to_off + at - from_off] = byte;
    file.length = std::max(file.length, to_off + expected);
    check(to);
  }

  // As the host does it: plan, read the pieces, store them as a new slice,
  // commit; sometimes a write comes in between.
  void compact(Ino ino) {
    step_ += "compact";
    CompactArgs want;
    want.now = w_.now;
    want.ino = ino;
    want.chunk = static_cast<uint32_t>(dice_.below(4));
    want.expected = w_.records(ino, want.chunk);
    const auto plan = plan_compaction(want.expected);
    if (!plan) return;
    want.expected.resize(plan->records);
    want.plan = *plan;
    want.id = ++slice_;
    want.trash = w_.facts.trash;
    Bytes& merged = slices_[want.id];
    uint64_t at = 0;
    for (const SliceRecord& piece : plan->pieces) {
      for (auto [off, byte] : data_of(piece)) merged[at + off] = byte;
      at += piece.len;
    }
    EXPECT_EQ(at, plan->size) << step_;
    if (dice_.one_in(3)) write(ino);
    auto done = w_.run(
        [&](const View& seen, Mutations& to) { return model::compact(seen, want, to); });
    EXPECT_EQ(code_of(done), 0) << step_;
    ++compactions_;
    check(ino);
  }

  Bytes data_of(const SliceRecord& piece) {
    Bytes bytes;
    if (piece.id == 0) return bytes;
    EXPECT_FALSE(w_.deleted_slices.contains({piece.id, piece.size})) << step_ << piece.id;
    const Bytes& data = slices_.at(piece.id);
    for (auto at = data.lower_bound(piece.off);
         at != data.end() && at->first < uint64_t{piece.off} + piece.len; ++at)
      bytes[at->first - piece.off] = at->second;
    return bytes;
  }

  void check(Ino ino) {
    const File& file = files_[ino];
    EXPECT_EQ(w_.attr(ino).length, file.length) << step_;
    Bytes read;
    for (uint32_t chunk = 0; chunk * kChunkBytes < file.length; ++chunk) {
      auto slices = w_.run(
          [&](const View& seen, Mutations&) { return read_slices(seen, ino, chunk); });
      ASSERT_EQ(code_of(slices), 0) << step_;
      for (const SliceRecord& piece : slices->pieces)
        for (auto [off, byte] : data_of(piece)) {
          const uint64_t at = chunk * kChunkBytes + piece.pos + off;
          if (at < file.length) read[at] = byte;
        }
    }
    EXPECT_TRUE(read == file.bytes) << step_ << "inode " << ino;
  }

  void check_all() {
    for (const auto& [ino, file] : files_) check(ino);
    EXPECT_EQ(fsck(w_, {}), Lines{}) << step_;
  }

  World w_;
  Dice dice_;
  std::map<Ino, File> files_;
  std::map<uint64_t, Bytes> slices_;
  uint64_t slice_ = 0;
  int compactions_ = 0;
  std::string step_;
};

TEST(RandomContents, ReadBackWhatWasWritten) { RandomContents(random_seed(), false).run(); }

TEST(RandomContents, WithDelayedReleasesToo) { RandomContents(random_seed(), true).run(); }

}  // namespace
}  // namespace fastmeta::test
