// SPDX-License-Identifier: GPL-3.0-or-later
// A slice that is being written: its bytes, cut into blocks from its own start.
// It only grows at its end; what is not yet handed to an upload may be written
// over. Not locked by itself: its file's mutex guards it, except the bytes of a
// block that is being uploaded, which nobody changes any more.
#pragma once

#include <mdp/plugin.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <vector>

#include "data/buffer_pool.h"

namespace fastmeta::host {

struct UploadBlock {
  uint32_t block;
  const char* data;
  uint32_t bytes;
};

class OpenSlice {
 public:
  using Clock = std::chrono::steady_clock;
  // Of a write call: when, and by whom (see in_background).
  struct Origin {
    timespec mtime;
    mdp_caller writer;
  };

  OpenSlice(BufferPool* buffers, uint32_t block_bytes, uint64_t id, uint32_t chunk, uint32_t pos,
            uint64_t seq)
      : buffers_(buffers), block_bytes_(block_bytes), id_(id), chunk_(chunk), pos_(pos),
        seq_(seq) {}

  uint64_t id() const { return id_; }
  uint32_t chunk() const { return chunk_; }
  uint32_t pos() const { return pos_; }
  uint32_t len() const { return len_; }
  uint64_t seq() const { return seq_; }  // counts the slices of its file
  int error() const { return error_; }
  bool finished() const { return finished_; }
  Clock::time_point begun() const { return begun_; }
  const timespec& mtime() const { return last_.mtime; }
  const mdp_caller& writer() const { return last_.writer; }

  // Whether [pos, pos + n) of the chunk can go into it.
  bool accepts(uint32_t pos, uint32_t n) const;
  bool overlaps(uint32_t pos, uint32_t n) const {
    return pos < pos_ + len_ && pos_ < pos + n;
  }
  // Whether all of [pos, pos + n) is still in memory here.
  bool holds(uint32_t pos, uint32_t n) const;

  // False when there is no memory; what fitted before counts as written.
  bool put(uint32_t pos, const char* data, uint32_t n, const Origin& origin);
  void copy_out(uint32_t pos, uint32_t n, char* out) const;

  // Hands out the blocks that are full.
  void take_full(std::vector<UploadBlock>* out);
  // Takes no more bytes; hands out the last block.
  void finish(std::vector<UploadBlock>* out);
  // An upload has ended. An error finishes the slice: it will never be whole.
  void uploaded(uint32_t block, int rc);

  bool uploading() const { return uploading_ != 0; }
  // Finished and nothing on its way: its turn to be committed may come.
  bool settled() const { return finished_ && uploading_ == 0; }
  // Memory that only finish() can set in motion.
  uint64_t idle_bytes() const;

 private:
  bool grow(uint32_t block, uint32_t to, uint32_t kept);

  BufferPool* const buffers_;
  const uint32_t block_bytes_;
  const uint64_t id_;
  const uint32_t chunk_, pos_;
  const uint64_t seq_;
  const Clock::time_point begun_ = Clock::now();
  uint32_t len_ = 0;
  std::vector<Buffer> blocks_;
  uint32_t taken_ = 0;      // blocks [0, taken_) were handed out
  uint32_t uploading_ = 0;  // of them still on their way
  bool finished_ = false;
  int error_ = 0;
  Origin last_{};  // of the write calls; mapped pages are nobody's and leave the writer as it is
};

}  // namespace fastmeta::host
