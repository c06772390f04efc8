// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/open_slice.h"

#include <algorithm>
#include <cstring>

namespace fastmeta::host {

bool OpenSlice::accepts(uint32_t pos, uint32_t n) const {
  if (finished_ || pos < pos_) return false;
  const uint32_t at = pos - pos_;
  return at >= taken_ * block_bytes_ && at <= len_ && n > 0;
}

bool OpenSlice::holds(uint32_t pos, uint32_t n) const {
  if (pos < pos_ || pos + n > pos_ + len_) return false;
  const uint32_t first = (pos - pos_) / block_bytes_;
  const uint32_t last = (pos - pos_ + n - 1) / block_bytes_;
  return std::all_of(blocks_.begin() + first, blocks_.begin() + last + 1,
                     [](const Buffer& buffer) { return static_cast<bool>(buffer); });
}

bool OpenSlice::grow(uint32_t block, uint32_t to, uint32_t kept) {
  if (blocks_.size() <= block) blocks_.resize(block + 1);
  Buffer& now = blocks_[block];
  if (now.capacity() >= to) return true;
  // A slice that filled a block will probably fill the next.
  Buffer larger = buffers_->get(block > 0 ? block_bytes_ : to);
  if (!larger) return false;
  if (kept > 0) std::memcpy(larger.data(), now.data(), kept);
  now = std::move(larger);
  return true;
}

bool OpenSlice::put(uint32_t pos, const char* data, uint32_t n, const Origin& origin) {
  uint32_t at = pos - pos_;
  const uint32_t end = at + n;
  while (at < end) {
    const uint32_t block = at / block_bytes_;
    const uint32_t start = block * block_bytes_;
    const uint32_t part = std::min(end, start + block_bytes_) - at;
    const uint32_t filled = len_ > start ? std::min(len_ - start, block_bytes_) : 0;
    if (!grow(block, at - start + part, filled)) return false;
    std::memcpy(blocks_[block].data() + (at - start), data, part);
    at += part;
    data += part;
    len_ = std::max(len_, at);
  }
  last_.mtime = origin.mtime;
  if (origin.writer.pid != 0 || last_.writer.pid == 0) last_.writer = origin.writer;
  return true;
}

void OpenSlice::copy_out(uint32_t pos, uint32_t n, char* out) const {
  uint32_t at = pos - pos_;
  const uint32_t end = at + n;
  while (at < end) {
    const uint32_t block = at / block_bytes_;
    const uint32_t part = std::min(end, (block + 1) * block_bytes_) - at;
    std::memcpy(out, blocks_[block].data() + at % block_bytes_, part);
    at += part;
    out += part;
  }
}

void OpenSlice::take_full(std::vector<UploadBlock>* out) {
  while (len_ - taken_ * block_bytes_ >= block_bytes_) {
    out->push_back({taken_, blocks_[taken_].data(), block_bytes_});
    ++taken_;
    ++uploading_;
  }
}

void OpenSlice::finish(std::vector<UploadBlock>* out) {
  if (finished_) return;
  take_full(out);
  finished_ = true;
  if (const uint32_t rest = len_ - taken_ * block_bytes_; rest > 0) {
    out->push_back({taken_, blocks_[taken_].data(), rest});
    ++taken_;
    ++uploading_;
  }
}

void OpenSlice::uploaded(uint32_t block, int rc) {
  blocks_[block] = Buffer();
  --uploading_;
  if (rc != 0) {
    if (error_ == 0) error_ = rc;
    finished_ = true;
  }
}

uint64_t OpenSlice::idle_bytes() const {
  if (finished_) return 0;
  uint64_t sum = 0;
  for (size_t block = taken_; block < blocks_.size(); ++block) sum += blocks_[block].capacity();
  return sum;
}

}  // namespace fastmeta::host
