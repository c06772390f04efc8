// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "model/rules/checks.h"
#include "model/rules/data.h"
#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

void release_later(const View& seen, const CompactArgs& want,
                   std::span<const SliceRecord> replaced, Mutations& out) {
  std::vector<std::pair<uint64_t, uint32_t>> slices;
  for (const SliceRecord& record : replaced) {
    if (record.id != 0) slices.emplace_back(record.id, record.size);
  }
  if (slices.empty()) return;
  out.hset(seen.keys().plain(kDelSlices),
           std::to_string(want.id) + "_" + std::to_string(want.now.sec),
           encode_delayed_slices(slices));
}

}  // namespace

void release(const KeySpace& keys, const SliceRecord& record, Mutations& out) {
  if (record.id == 0) return;
  out.releases.push_back({out.writes.size(), record.id, record.size});
  out.hincr_by(keys.plain(kSliceRef), slice_ref_field(record.id, record.size), -1);
}

Result<void> compact(const View& seen, const CompactArgs& want, Mutations& out) {
  const CompactionPlan& plan = want.plan;
  const bool sound = plan.records == want.expected.size() && plan.skipped < plan.records &&
                     plan.size > 0 && want.id != 0 &&
                     uint64_t{plan.pos} + plan.size <= kChunkBytes;
  if (!sound) return answer(EINVAL);
  MDP_TRY_VOID(seen.need({seen.chunk_key(want.ino, want.chunk)}));
  MDP_TRY(auto records, seen.chunk(want.ino, want.chunk));
  if (records.size() < want.expected.size() ||
      !std::equal(want.expected.begin(), want.expected.end(), records.begin()))
    return answer(EAGAIN);

  const std::string key = seen.keys().chunk(want.ino, want.chunk);
  out.ltrim_front(key, plan.records);
  out.lpush(key, encode_slice({plan.pos, want.id, plan.size, 0, plan.size}));
  for (uint32_t i = plan.skipped; i-- > 0;) out.lpush(key, encode_slice(want.expected[i]));
  // Tells whether a commit whose reply was lost took effect.
  out.hset(seen.keys().plain(kSliceRef), slice_ref_field(want.id, plan.size), "0");
  const auto replaced = std::span(want.expected).subspan(plan.skipped);
  if (want.trash) {
    release_later(seen, want, replaced, out);
  } else {
    for (const SliceRecord& record : replaced) release(seen.keys(), record, out);
  }
  return {};
}

Result<void> delete_chunk(const View& seen, Ino ino, uint32_t chunk, Mutations& out) {
  MDP_TRY_VOID(seen.need({seen.chunk_key(ino, chunk)}));
  MDP_TRY(auto records, seen.chunk(ino, chunk));
  if (records.empty()) return {};
  out.del(seen.keys().chunk(ino, chunk));
  for (const SliceRecord& record : records) release(seen.keys(), record, out);
  return {};
}

}  // namespace fastmeta::model
