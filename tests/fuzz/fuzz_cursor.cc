// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as what the server says of this client (fastmeta:client:<id>), and as the applied
// records that are kept here: it is refused with a reason, or every record is accounted for
// once: the server has it, it waits, or it is offered again.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "engine/fastmeta/applied_window.h"
#include "engine/fastmeta/cursor_check.h"
#include "support/lone_parts.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::engine;
using store::Table;

constexpr uint64_t kIncarnation = 7;
constexpr uint64_t kMost = 24;  // numbers that were given here

std::string record(uint64_t seq) {
  model::OplogRecord made;
  made.seq = seq;
  made.time = {1'700'000'000, 0};
  model::SetXattrArgs want;
  want.ino = 2;
  want.name = "user.a";
  want.value = std::to_string(seq);
  made.operation = want;
  made.writes = {{model::WriteOp::kHSet, "x2", "user.a", want.value, 0}};
  return model::encode_record(made);
}

std::set<uint64_t> numbers(store::Tables& tables, Table table) {
  std::set<uint64_t> found;
  auto transaction = tables.begin();
  MDP_CHECK((*transaction)->scan(table, {}, [&](std::string_view key, std::string_view) {
    found.insert(*store::key_number(key));
    return true;
  }));
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider from(data, size);
  test::LoneParts lone;
  Progress progress;
  progress.low = from.ConsumeIntegralInRange<uint64_t>(0, kMost);
  progress.trimmed = from.ConsumeIntegralInRange<uint64_t>(0, kMost);
  progress.highest_seq = kMost;
  const bool after_a_crash = from.ConsumeBool();
  bool damaged = false;
  {
    auto transaction = lone.tables.begin();
    for (uint64_t seq = 1; seq <= kMost; ++seq) {
      const std::string key = store::number_key(seq);
      const Timestamp at{1'700'000'000, 0};
      Result<void> put;
      switch (from.ConsumeIntegralInRange(0, 8)) {
        case 0: case 1: case 2: case 3:
          put = (*transaction)->put(Table::kApplied, key, applied_row(at, record(seq)));
          break;
        case 4: case 5: put = (*transaction)->put(Table::kOplog, key, record(seq)); break;
        case 6:
          put = (*transaction)->put(Table::kApplied, key, from.ConsumeRandomLengthString(40) + "x");
          damaged = true;
          break;
        default: break;
      }
      MDP_CHECK(put);
    }
    MDP_CHECK((*transaction)->commit());
  }
  const std::set<uint64_t> kept = numbers(lone.tables, Table::kApplied);
  const std::set<uint64_t> pending = numbers(lone.tables, Table::kOplog);
  const std::string text = from.ConsumeRemainingBytesAsString();
  const std::optional<std::string> value =
      text.empty() ? std::nullopt : std::optional(text);

  const Identity identity{"c1", kIncarnation, 1};
  const CursorCheck check(lone.parts, identity);
  auto found = check.compare(value, progress, kMost, after_a_crash);
  if (!found) {
    MDP_CHECK(damaged && found.error().fault == Fault::kCorrupt);
    return 0;
  }
  if (!found->refusal.empty()) return 0;
  const model::ClientCursor& cursor = found->cursor;
  MDP_CHECK(cursor.incarnation == kIncarnation);
  // A number that the next record gets is left, and not so far off that it is never reached.
  MDP_CHECK(cursor.highest() <= kMost + (uint64_t{1} << 26));
  MDP_CHECK(after_a_crash || cursor.highest() <= kMost);

  std::set<uint64_t> again;
  for (const PendingPtr& one : found->forgotten) again.insert(one->record.seq);
  MDP_CHECK(again.size() == found->forgotten.size());
  for (uint64_t seq = 1; seq <= std::min(progress.low, progress.trimmed); ++seq)
    MDP_CHECK(cursor.applied(seq) || again.contains(seq) || pending.contains(seq));
  for (uint64_t seq : kept)
    MDP_CHECK(cursor.applied(seq) != again.contains(seq) || damaged);

  MDP_CHECK(check.offer_again(found->forgotten));
  const std::set<uint64_t> left = numbers(lone.tables, Table::kApplied);
  const std::set<uint64_t> waiting = numbers(lone.tables, Table::kOplog);
  for (uint64_t seq : again) MDP_CHECK(waiting.contains(seq) && (damaged || !left.contains(seq)));
  for (uint64_t seq : pending) MDP_CHECK(waiting.contains(seq));
  return 0;
}
