// SPDX-License-Identifier: GPL-3.0-or-later
#include "data/compactor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "data/object_name.h"
#include "data/outcome.h"
#include "data/pieces.h"

namespace fastmeta::host {
namespace {

// As other clients do it, so that nobody waits for somebody else to tidy up.
constexpr uint32_t kEveryRecords = 100;
constexpr uint32_t kManyRecords = 350;
constexpr uint32_t kTooManyRecords = 2500;
constexpr uint32_t kManyToRead = 5;
constexpr std::chrono::seconds kReadPause{60};
constexpr std::chrono::seconds kFailurePause{60};
constexpr size_t kQueuedMax = 256;
constexpr size_t kPiecesMin = 256;
constexpr size_t kPiecesMax = 1u << 20;

}  // namespace

Compactor::Compactor(const DataOptions& options, const mdp_ops* ops, mdp_volume* volume,
                     SliceStore* slices, LogFn log)
    : enabled_(options.compact && ops->compact_plan != nullptr && ops->compact_commit != nullptr),
      sync_(options.sync),
      ops_(ops),
      volume_(volume),
      slices_(slices),
      log_(std::move(log)) {}

void Compactor::start() {
  if (enabled_) worker_.start(1);
}

void Compactor::stop() {
  stopping_ = true;
  worker_.stop();
}

Compactor::Slot& Compactor::slot_of(uint64_t ino, uint32_t chunk) {
  Slot& slot = slots_[(ino * 0x9E3779B97F4A7C15u + chunk) % slots_.size()];
  if (slot.ino != ino || slot.chunk != chunk) slot = Slot{ino, chunk, 0, false, {}};
  return slot;
}

void Compactor::committed(uint64_t ino, uint32_t chunk) {
  if (!enabled_) return;
  bool now = false;
  {
    std::lock_guard lock(mutex_);
    Slot& slot = slot_of(ino, chunk);
    ++slot.records;
    if (slot.not_before > Clock::now()) return;
    now = slot.records >= kTooManyRecords;
    const bool due = slot.records % kEveryRecords == kEveryRecords - 1 ||
                     slot.records > kManyRecords;
    if (!now && (!due || slot.queued)) return;
    slot.queued = true;
  }
  if (now) {
    run(ino, chunk);
  } else {
    enqueue(ino, chunk);
  }
}

void Compactor::looked(uint64_t ino, uint32_t chunk, uint32_t records, size_t pieces) {
  if (!enabled_ || records < 2 || (records < kManyToRead && pieces < kManyToRead)) return;
  {
    std::lock_guard lock(mutex_);
    Slot& slot = slot_of(ino, chunk);
    slot.records = std::max(slot.records, records);
    const auto now = Clock::now();
    if (slot.queued || slot.not_before > now) return;
    slot.not_before = now + kReadPause;
    slot.queued = true;
  }
  enqueue(ino, chunk);
}

void Compactor::enqueue(uint64_t ino, uint32_t chunk) {
  const bool taken = worker_.try_submit(
      [this, ino, chunk] {
        if (!stopping_) run(ino, chunk);
      },
      kQueuedMax);
  if (taken) return;
  std::lock_guard lock(mutex_);
  slot_of(ino, chunk).queued = false;
}

void Compactor::run(uint64_t ino, uint32_t chunk) {
  const int rc = compact(ino, chunk);
  std::lock_guard lock(mutex_);
  Slot& slot = slot_of(ino, chunk);
  slot.queued = false;
  if (rc == 0 || rc == -ENODATA || rc == -ENOENT) {
    slot.records = 0;
  } else if (rc != -EAGAIN) {
    slot.not_before = Clock::now() + kFailurePause;
  }
}

int Compactor::plan(uint64_t ino, uint32_t chunk, mdp_compaction* plan,
                    std::vector<mdp_slice>* pieces) {
  for (size_t cap = kPiecesMin; cap <= kPiecesMax; cap *= 4) {
    pieces->resize(cap);
    *plan = {};
    plan->struct_size = sizeof *plan;
    size_t count = 0;
    const int rc = ops_->compact_plan(volume_, ino, chunk, plan, pieces->data(), cap, &count);
    if (rc == -ERANGE) continue;
    if (rc == 0) pieces->resize(count);
    return rc;
  }
  return -ERANGE;
}

int Compactor::compact(uint64_t ino, uint32_t chunk) {
  mdp_compaction proposal;
  std::vector<mdp_slice> pieces;
  if (const int rc = plan(ino, chunk, &proposal, &pieces); rc != 0) return rc;
  uint64_t id = 0;
  if (const int rc = ops_->new_slice(volume_, &id); rc != 0) return rc;

  const auto where = [&] {
    return "inode " + std::to_string(ino) + " chunk " + std::to_string(chunk);
  };
  std::string missing;
  int rc = store(proposal, pieces, id, &missing);
  if (rc != 0) {
    slices_->remove(id, proposal.size);
    log_(MDP_LOG_WARN, where() + " is not merged: " +
                           (missing.empty() ? std::strerror(-rc) : missing + " is missing"));
    return rc == -ENOENT ? -EIO : rc;
  }
  rc = ops_->compact_commit(volume_, ino, &proposal, id);
  if (rc == 0) {
    count_.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  if (is_refusal(rc) || rc == -EAGAIN || rc == -EROFS) slices_->remove(id, proposal.size);
  log_(MDP_LOG_DEBUG, where() + " is not merged: " + std::strerror(-rc));
  return rc;
}

int Compactor::store(const mdp_compaction& plan, const std::vector<mdp_slice>& pieces, uint64_t id,
                     std::string* missing) {
  const uint32_t block_bytes = slices_->block_bytes();
  Buffer buffer = slices_->buffers().get(block_bytes);
  if (!buffer) return -ENOMEM;
  std::vector<StoredBlock> blocks;
  for (uint32_t block = 0; block < block_count(plan.size, block_bytes); ++block) {
    const uint32_t n = bytes_of_block(plan.size, block_bytes, block);
    const uint32_t pos = plan.pos + block * block_bytes;
    if (const int rc = read_pieces(*slices_, pieces, pos, n, buffer.data(), missing); rc != 0) {
      return rc;
    }
    if (const int rc = slices_->put_block(id, block, buffer.data(), n); rc != 0) return rc;
    blocks.push_back({id, block, n});
  }
  // An fsync may have promised that of its parts.
  return sync_ ? slices_->sync(blocks) : 0;
}

}  // namespace fastmeta::host
