// SPDX-License-Identifier: GPL-3.0-or-later
// Slices and their compaction.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/convert.h"
#include "abi/handle.h"
#include "abi/ops.h"

namespace fastmeta::abi {

namespace {

int put_pieces(const std::vector<model::SliceRecord>& pieces, mdp_slice* out, size_t cap,
               size_t* count) {
  if (pieces.size() > cap) return -ERANGE;
  std::transform(pieces.begin(), pieces.end(), out,
                 [](const model::SliceRecord& p) { return to_c(p); });
  *count = pieces.size();
  return 0;
}

int new_slice(mdp_volume* v, uint64_t* id) {
  return guarded(v, "new_slice", [&] {
    auto drawn = v->volume->new_slice();
    if (!drawn) return to_errno(v->log, drawn.error(), "new_slice");
    *id = *drawn;
    return 0;
  });
}

int write_slice(mdp_volume* v, const mdp_caller* who, uint64_t ino, const mdp_slice_write* write,
                mdp_attr* out) {
  return guarded(v, "write_slice", [&] {
    mdp_slice_write w{};
    std::memcpy(&w, write, std::min<size_t>(write->struct_size, sizeof w));
    auto attr = v->volume->write_slice(
        {{}, {w.mtime, w.mtime_nsec}, ino, w.chunk, from_c(w.slice)}, to_caller(who),
        (w.flags & MDP_SLICE_STAGED) != 0);
    if (!attr) return to_errno(v->log, attr.error(), "write_slice");
    *out = to_c(ino, *attr);
    return 0;
  });
}

int slice_durable(mdp_volume* v, uint64_t ino, uint64_t id) {
  return guarded(v, "slice_durable", [&] {
    v->volume->slice_durable(ino, id);
    return 0;
  });
}

int read_slices(mdp_volume* v, const mdp_caller*, uint64_t ino, uint32_t chunk, uint32_t flags,
                mdp_slice* out, size_t cap, size_t* count, uint32_t* records) {
  return guarded(v, "read_slices", [&] {
    auto reply = v->volume->read_slices(ino, chunk, (flags & MDP_READ_FRESH) != 0);
    if (!reply) return to_errno(v->log, reply.error(), "read_slices");
    if (const int fits = put_pieces(reply->pieces, out, cap, count); fits != 0) return fits;
    *records = reply->records;
    return 0;
  });
}

int compact_plan(mdp_volume* v, uint64_t ino, uint32_t chunk, mdp_compaction* plan,
                 mdp_slice* pieces, size_t cap, size_t* count) {
  return guarded(v, "compact_plan", [&] {
    auto proposal = v->volume->plan_compaction(ino, chunk);
    if (!proposal) return to_errno(v->log, proposal.error(), "compact_plan");
    if (const int fits = put_pieces(proposal->plan.pieces, pieces, cap, count); fits != 0)
      return fits;
    mdp_compaction mine{};
    mine.struct_size = plan->struct_size;
    mine.chunk = chunk;
    mine.records = proposal->plan.records;
    mine.skipped = proposal->plan.skipped;
    mine.pos = proposal->plan.pos;
    mine.size = proposal->plan.size;
    mine.checksum = proposal->checksum;
    std::memcpy(plan, &mine, std::min<size_t>(plan->struct_size, sizeof mine));
    return 0;
  });
}

int compact_commit(mdp_volume* v, uint64_t ino, const mdp_compaction* plan, uint64_t id) {
  return guarded(v, "compact_commit", [&] {
    mdp_compaction p{};
    std::memcpy(&p, plan, std::min<size_t>(plan->struct_size, sizeof p));
    engine::CompactionProposal proposal;
    proposal.plan.records = p.records;
    proposal.plan.skipped = p.skipped;
    proposal.plan.pos = p.pos;
    proposal.plan.size = p.size;
    proposal.checksum = p.checksum;
    auto done = v->volume->compact(ino, p.chunk, proposal, id);
    return done ? 0 : to_errno(v->log, done.error(), "compact_commit");
  });
}

}  // namespace

void add_data_ops(mdp_ops& ops) {
  ops.new_slice = new_slice;
  ops.write_slice = write_slice;
  ops.slice_durable = slice_durable;
  ops.read_slices = read_slices;
  ops.compact_plan = compact_plan;
  ops.compact_commit = compact_commit;
}

}  // namespace fastmeta::abi
