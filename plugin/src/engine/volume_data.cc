// SPDX-License-Identifier: GPL-3.0-or-later
// Operations on files: opening, slices, length, compaction.
#include <cerrno>

#include "engine/volume.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Attr;
using model::Ino;
using model::Mutations;
using model::ReadKind;
using model::SliceRecord;
using model::View;

namespace {

// FNV-1a over the stored bytes of the records.
uint64_t checksum(std::span<const SliceRecord> records) {
  uint64_t sum = 0xcbf29ce484222325;
  for (const SliceRecord& record : records)
    for (const char byte : model::encode_slice(record))
      sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return sum;
}

}  // namespace

Result<Attr> Volume::open_file(const model::OpenArgs& how) {
  // Counted first: an unlink that comes from now on keeps the inode.
  open_.opened(how.ino);
  const bool verify = !fast() && config_.cache.open == config::OpenPolicy::kVerify;
  auto attr = read_file<Attr>(
      how.ino,
      [&](const View& seen, Ino ino) {
        model::OpenArgs now = how;
        now.ino = ino;
        return model::open(seen, now);
      },
      verify);
  if (attr) {
    open_.remember(how.ino, *attr);
    return attr;
  }
  close_file(how.ino);
  // The name that led here is older than the removal: have it looked up again.
  if (attr.error().fault == Fault::kAnswer && attr.error().code == ENOENT)
    return Error::answer(ESTALE);
  return attr;
}

void Volume::close_file(Ino ino) {
  // What is acknowledged from now on follows the file's data.
  if (fast()) fast_->reintegration().content_barrier(open_.number(ino));
  const OpenTable::Closed closed = open_.closed(ino);
  if (closed.sustained) static_cast<void>(remove_sustained(ino));
}

Result<void> Volume::remove_sustained(Ino ino) {
  const model::LastCloseArgs want{clock_.now(), ino};
  auto applied = executor_->apply(want, {});
  Result<void> removed = applied ? Result<void>() : Result<void>(std::move(applied).error());
  // No room for more changes is no answer of the rule.
  if (!removed && (removed.error().fault != Fault::kAnswer || removed.error().code == ENOSPC)) {
    log_.warn("removed inode {} is not closed yet, trying again later: {}", ino,
              removed.error().text);
    std::lock_guard lock(late_mutex_);
    late_removals_.push_back(ino);
  }
  return removed;
}

Result<uint64_t> Volume::new_slice() {
  MDP_TRY_VOID(health_.may_write(fast()));
  return slices_->next();
}

Result<Attr> Volume::write_slice(model::WriteSliceArgs want, model::Caller who, bool staged) {
  // Changes that are in the server at once need data that others can read.
  if (staged && !fast()) return Error::answer(EOPNOTSUPP);
  want.now = clock_.now();
  WriteHints hints;
  hints.turn = want.ino;
  hints.who = who;
  hints.staged = staged;
  MDP_TRY(Attr attr, executor_->apply_reply<Attr>(want, hints));
  open_.remember(want.ino, attr);
  return attr;
}

void Volume::slice_durable(Ino ino, uint64_t slice) {
  if (fast()) fast_->reintegration().slice_durable(ino, slice);
}

Result<void> Volume::fsync(Ino ino, Sync level) {
  if (!fast()) return {};  // an acknowledged change is in the server already
  if (level == Sync::kConfigured)
    level = config_.fsync_level == config::FsyncLevel::kRemote ? Sync::kRemote : Sync::kLocal;
  ino = open_.number(ino);
  if (level != Sync::kReport && ino != 0) fast_->reintegration().content_barrier(ino);
  if (level == Sync::kLocal) MDP_TRY_VOID(fast_->sync_local());
  if (level == Sync::kRemote &&
      !fast_->drained(deadline_in(config_.fsync_timeout), [&] { return !health_.may_write(); }))
    return Error{Fault::kAnswer, EIO, "changes could not be sent in time"};
  return fast_->report(ino);
}

Result<model::ReadSlicesReply> Volume::read_slices(Ino ino, uint32_t chunk, bool fresh) {
  // Asked anew because data is missing: a copy that is not sent yet may refer to slices that
  // another client has merged; its replay finds out.
  if (fresh && fast()) fast_->copies().wait_for(open_.number(ino), client_->deadline());
  auto slices = read_file<model::ReadSlicesReply>(
      ino, [&](const View& seen, Ino now) { return model::read_slices(seen, now, chunk); }, fresh);
  const bool gone = !slices && slices.error().fault == Fault::kAnswer &&
                    slices.error().code == ENOENT;
  if (gone && fast() && fast_->sacrifices().gone(open_.number(ino))) return undone();
  return slices;
}

Result<Attr> Volume::truncate(model::TruncateArgs want) {
  want.now = clock_.now();
  WriteHints hints;
  hints.turn = want.ino;
  MDP_TRY(Attr attr, executor_->apply_reply<Attr>(want, hints));
  open_.remember(want.ino, attr);
  return attr;
}

Result<Attr> Volume::fallocate(model::FallocateArgs want) {
  want.now = clock_.now();
  WriteHints hints;
  hints.turn = want.ino;
  MDP_TRY(Attr attr, executor_->apply_reply<Attr>(want, hints));
  open_.remember(want.ino, attr);
  return attr;
}

Result<model::CopyRangeReply> Volume::copy_file_range(model::CopyRangeArgs want) {
  want.now = clock_.now();
  WriteHints hints;
  hints.turn = want.to;
  std::optional<PendingCopies::Copy> copy;
  if (fast()) copy.emplace(fast_->copies(), open_.number(want.from), open_.number(want.to));
  MDP_TRY(auto copied, executor_->apply_reply<model::CopyRangeReply>(want, hints));
  if (copied.copied > 0) open_.remember(want.to, copied.to_attr);
  return copied;
}

Result<CompactionProposal> Volume::plan_compaction(Ino ino, uint32_t chunk) {
  // Only what the server has can be merged.
  ino = open_.number(ino);
  return server_->read_reply<CompactionProposal>(
      [&](const View& seen) -> Result<CompactionProposal> {
        MDP_TRY(auto records, seen.chunk(ino, chunk));
        auto plan = model::plan_compaction(records);
        if (!plan) return Error::answer(ENODATA);
        CompactionProposal proposal;
        proposal.checksum = checksum(std::span(records).first(plan->records));
        proposal.plan = std::move(*plan);
        return proposal;
      },
      true);
}

Result<void> Volume::compact(Ino ino, uint32_t chunk, const CompactionProposal& proposal,
                             uint64_t id) {
  ino = open_.number(ino);
  const auto merge = [&](const View& seen, Mutations& out) -> Result<void> {
    MDP_TRY(auto records, seen.chunk(ino, chunk));
    if (records.size() < proposal.plan.records) return Error::answer(EAGAIN);
    records.resize(proposal.plan.records);
    auto plan = model::plan_compaction(records);
    if (!plan || checksum(records) != proposal.checksum || plan->pos != proposal.plan.pos ||
        plan->size != proposal.plan.size || plan->skipped != proposal.plan.skipped)
      return Error::answer(EAGAIN);
    model::CompactArgs want;
    want.now = clock_.now();
    want.ino = ino;
    want.chunk = chunk;
    want.plan = std::move(*plan);
    want.expected = std::move(records);
    want.id = id;
    want.trash = seen.facts().trash;
    return model::compact(seen, want, out);
  };
  if (!fast()) return server_->write(merge, {});
  Result<void> done;
  if (!fast_->copies().merge(ino, [&] { done = server_->write(merge, {}); }))
    return Error::answer(EAGAIN);
  return done;
}

}  // namespace fastmeta::engine
