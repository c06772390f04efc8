// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as rows of the local store: each is understood or refused, and with whatever is
// understood every change of a row and every read of a rule ends in an answer or an error,
// never a crash; what was changed can be read again.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/fastmeta/local_view.h"
#include "engine/fastmeta/row.h"
#include "engine/fastmeta/row_writer.h"
#include "memory_tables/memory_tables.h"
#include "model/operation.h"
#include "util/check.h"

namespace {

using namespace fastmeta;
using namespace fastmeta::engine;
using model::ReadKey;
using model::ReadKind;
using model::Write;
using model::WriteOp;
using store::Table;

void codec(std::string_view bytes) {
  auto row = decode_row(bytes);
  if (!row) {
    MDP_CHECK(row.error().fault == Fault::kCorrupt && !row.error().text.empty());
    return;
  }
  auto again = decode_row(encode_row(*row));
  MDP_CHECK(again && *again == *row);
}

const std::string kRows[] = {
    row_key("i1"),      row_key("i2"),         row_key("i3"),       row_key("c2_0"),
    row_key("s2"),      marker_key("d1"),      row_key("d1", "a"),  row_key("d1", "b"),
    marker_key("p2"),   row_key("p2", "1"),    marker_key("x2"),    row_key("x2", "user.a"),
    marker_key("d3"),   row_key("d3", "c"),
};
const Write kWrites[] = {
    {WriteOp::kSet, "i2", "", "attr", 0},      {WriteOp::kDel, "i2", "", "", 0},
    {WriteOp::kDel, "d1", "", "", 0},          {WriteOp::kHSet, "d1", "a", "entry", 0},
    {WriteOp::kHDel, "d1", "b", "", 0},        {WriteOp::kHIncrBy, "p2", "1", "", 1},
    {WriteOp::kHIncrBy, "p2", "1", "", -1},    {WriteOp::kDel, "p2", "", "", 0},
    {WriteOp::kRPush, "c2_0", "", std::string(24, 'x'), 0},
    {WriteOp::kRPushX, "c2_0", "", std::string(24, 'x'), 0},
    {WriteOp::kHSet, "x2", "user.a", "v", 0},
};
const ReadKey kReads[] = {
    {ReadKind::kString, "i1", {}, true},      {ReadKind::kString, "i2", {}, true},
    {ReadKind::kString, "s2", {}, true},      {ReadKind::kField, "d1", "a", true},
    {ReadKind::kHashCount, "d1", {}, true},   {ReadKind::kList, "c2_0", {}, true},
    {ReadKind::kHash, "p2", {}, true},        {ReadKind::kHash, "x2", {}, true},
    {ReadKind::kField, "x2", "user.a", true}, {ReadKind::kHash, "d1", {}, true},
};

model::RawValue answer_of(FuzzedDataProvider& from) {
  model::RawValue value;
  value.exists = from.ConsumeBool();
  if (value.exists) value.bytes = from.ConsumeRandomLengthString(16);
  value.count = from.ConsumeIntegral<uint8_t>();
  value.items = {value.bytes};
  value.fields = {{"a", value.bytes}, {"1", value.bytes}};
  return value;
}

// Runs a rule on the rows; what it cannot know is answered out of the input.
template <typename Rule>
void read(store::Transaction& transaction, const Validity& validity, FuzzedDataProvider& from,
          const Rule& rule) {
  const model::KeySpace keys;
  const model::VolumeFacts facts;
  const OpenTable open;
  Fetched fetched;
  const bool fresh = from.ConsumeBool();
  for (int round = 0; round < 8; ++round) {
    LocalView view(facts, keys, open, validity, transaction, fetched, fresh);
    const auto done = rule(view);
    if (view.failure()) {
      MDP_CHECK(view.failure()->fault == Fault::kCorrupt);
      return;
    }
    if (done || done.error().fault != Fault::kMissing) return;
    for (const ReadKey& one : view.needed()) fetched.put(one, answer_of(from), validity.now());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  codec({reinterpret_cast<const char*>(data), size});
  FuzzedDataProvider from(data, size);
  test::MemoryTables tables;
  Validity validity(from.ConsumeIntegral<uint8_t>());
  auto transaction = tables.begin();
  MDP_CHECK(transaction);
  store::Transaction& rows = **transaction;
  for (const std::string& row : kRows) {
    const std::string bytes = from.ConsumeRandomLengthString(80);
    codec(bytes);
    if (!bytes.empty()) MDP_CHECK(rows.put(Table::kRows, row, bytes));
  }

  const model::KeySpace keys;
  RowWriter writer(rows, keys, validity);
  for (int steps = 0; steps < 12 && from.remaining_bytes() > 0; ++steps) {
    const Write& write = from.PickValueInArray(kWrites);
    const uint64_t seq = from.ConsumeIntegral<uint8_t>();
    Result<void> done;
    switch (from.ConsumeIntegralInRange(0, 7)) {
      case 0: done = writer.pending(write, seq, from.ConsumeBool()); break;
      case 1:
        done = writer.fill(from.PickValueInArray(kReads), answer_of(from), validity.now());
        break;
      case 2: {
        const Token sent = validity.sending();
        validity.written();
        done = writer.applied(write, sent);
        break;
      }
      case 3: done = writer.settled(write, seq); break;
      case 4: done = writer.drop_pending(write); break;
      case 5: validity.invalidated(write.key); break;
      default:
        read(rows, validity, from, [&](const model::View& seen) -> Result<void> {
          for (const ReadKey& one : kReads) MDP_TRY_VOID(seen.raw(one));
          return {};
        });
        read(rows, validity, from,
             [&](const model::View& seen) { return model::lookup(seen, {1, "a"}); });
        read(rows, validity, from, [&](const model::View& seen) -> Result<void> {
          model::Mutations out;
          MDP_TRY_VOID(model::apply(model::Unlink{{{}, {}, 1, "a", 0}}, seen, out));
          return {};
        });
        read(rows, validity, from, [&](const model::View& seen) -> Result<void> {
          model::Mutations out;
          model::TruncateArgs cut;
          cut.ino = 2;
          cut.length = seq;
          MDP_TRY_VOID(model::apply(cut, seen, out));
          return {};
        });
    }
    if (!done) {
      MDP_CHECK(done.error().fault == Fault::kCorrupt && !done.error().text.empty());
      return 0;  // the transaction of whoever asked ends with it
    }
  }
  return 0;
}
