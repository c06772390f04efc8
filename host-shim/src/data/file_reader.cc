// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/file_reader.h"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

#include "data/outcome.h"
#include "data/pieces.h"

namespace fastmeta::host {
namespace {

constexpr std::chrono::milliseconds kRetryStep{300};
constexpr std::chrono::milliseconds kInterruptStep{50};
constexpr size_t kReadAheadJobsMax = 64;

// Keeps its memory from read to read.
std::vector<mdp_slice>& piece_room() {
  thread_local std::vector<mdp_slice> pieces;
  return pieces;
}

void load_ahead(const std::shared_ptr<Core>& core, uint64_t ino, uint64_t off, uint64_t end) {
  std::vector<mdp_slice> pieces;
  while (off < end) {
    const auto chunk = static_cast<uint32_t>(off / MDP_CHUNK_BYTES);
    const auto pos = static_cast<uint32_t>(off % MDP_CHUNK_BYTES);
    const auto n = static_cast<uint32_t>(std::min<uint64_t>(end - off, MDP_CHUNK_BYTES - pos));
    uint32_t records = 0;
    if (list_pieces(core->ops, core->volume, in_background({}), ino, chunk, 0, &pieces,
                    &records) != 0) {
      return;  // the read itself will say why
    }
    visit_blocks(pieces, pos, n, core->slices->block_bytes(),
                 [&](const mdp_slice& piece, uint32_t block) {
                   core->downloads.try_submit(
                       [core, id = piece.id, size = piece.size, block] {
                         core->slices->prefetch(id, size, block);
                       },
                       kReadAheadJobsMax);
                 });
    off += n;
  }
}

}  // namespace

FileReader::FileReader(std::shared_ptr<Core> core, uint64_t ino, FileWriter* writer)
    : core_(std::move(core)),
      ino_(ino),
      writer_(writer),
      read_ahead_(core_->options.readahead_bytes) {}

// What is pending is asked first: if it is committed meanwhile, the attribute
// has it.
int FileReader::length_now(const mdp_caller& who, uint64_t* length) const {
  const uint64_t pending = writer_->pending_end();
  mdp_entry entry{};
  const int rc = core_->ops->getattr(core_->volume, &who, ino_, &entry);
  if (rc == 0) *length = std::max(entry.attr.length, pending);
  return rc;
}

int FileReader::read(const mdp_caller& who, uint64_t off, char* out, size_t size, size_t* got) {
  uint64_t length = 0;
  if (const int rc = length_now(who, &length); rc != 0) return rc;
  if (off >= length || size == 0) {
    *got = 0;
    return 0;
  }
  const uint64_t end = off + std::min<uint64_t>(size, length - off);
  for (uint64_t at = off; at < end;) {
    const auto chunk = static_cast<uint32_t>(at / MDP_CHUNK_BYTES);
    const auto pos = static_cast<uint32_t>(at % MDP_CHUNK_BYTES);
    const auto n = static_cast<uint32_t>(std::min<uint64_t>(end - at, MDP_CHUNK_BYTES - pos));
    char* const to = out + (at - off);
    if (writer_->serve(chunk, pos, n, to) == FileWriter::Served::kNone) {
      if (const int rc = read_chunk(who, chunk, pos, n, to); rc != 0) return rc;
    }
    at += n;
  }
  *got = end - off;
  ReadAhead::Range ahead;
  {
    std::lock_guard lock(mutex_);
    ahead = read_ahead_.observe(off, end - off, length);
  }
  if (ahead.len > 0) begin_read_ahead(ahead);
  return 0;
}

int FileReader::read_chunk(const mdp_caller& who, uint32_t chunk, uint32_t pos, uint32_t n,
                           char* out) {
  const auto since = Clock::now();
  std::vector<mdp_slice>& pieces = piece_room();
  std::string missing;
  uint32_t flags = 0;
  for (;;) {
    uint32_t records = 0;
    int rc = list_pieces(core_->ops, core_->volume, who, ino_, chunk, flags, &pieces, &records);
    if (rc != 0) return rc;
    rc = read_pieces(*core_->slices, pieces, pos, n, out, &missing);
    if (rc == 0) {
      core_->compactor.looked(ino_, chunk, records, pieces.size());
      return 0;
    }
    if (rc != -ENOENT) return rc;
    // Another client may have merged the list that the plugin remembered: the
    // first time it is only read again.
    if (flags == MDP_READ_FRESH) {
      if (rc = wait_for_object(who, missing, since); rc != 0) return rc;
    }
    flags = MDP_READ_FRESH;
  }
}

int FileReader::wait_for_object(const mdp_caller& who, const std::string& name,
                                Clock::time_point since) {
  const bool too_long = Clock::now() - since >= core_->options.missing_object_retry;
  if (too_long) core_->missing.add(name);
  if (too_long || core_->missing.has(name)) {
    core_->log(MDP_LOG_ERROR,
               "inode " + std::to_string(ino_) + ": object " + name + " is missing");
    return -EIO;
  }
  for (auto left = kRetryStep; left.count() > 0; left -= kInterruptStep) {
    if (is_interrupted(who)) return -EINTR;
    std::this_thread::sleep_for(kInterruptStep);
  }
  return 0;
}

void FileReader::begin_read_ahead(ReadAhead::Range range) {
  core_->downloads.try_submit(
      [core = core_, ino = ino_, range] {
        load_ahead(core, ino, range.off, range.off + range.len);
      },
      kReadAheadJobsMax);
}

void FileReader::reset() {
  std::lock_guard lock(mutex_);
  read_ahead_.reset();
}

}  // namespace fastmeta::host
