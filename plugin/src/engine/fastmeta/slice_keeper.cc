// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/slice_keeper.h"

#include <algorithm>
#include <chrono>

#include "model/oplog_record.h"
#include "store/tables.h"

namespace fastmeta::engine {

namespace {

// What is sent within this time is nobody's concern here.
constexpr std::chrono::seconds kSoon{5};
constexpr size_t kPageRecords = 512;

Timestamp before(Timestamp now, std::chrono::nanoseconds age) {
  return Timestamp::from_nanos(now.nanos() - age.count());
}

}  // namespace

void SliceKeeper::start() {
  const auto every = std::min<std::chrono::milliseconds>(kSoon, parts_.config.sync.keep_data);
  ticker_.start("fm-keep-slices", every, [this] {
    if (auto done = pass(); !done)
      parts_.log.warn("data of changes that wait was not looked after: {}", done.error().text);
  });
}

Result<SliceKeeper::Page> SliceKeeper::read(uint64_t from, Timestamp until) {
  Page page;
  size_t seen = 0;
  MDP_TRY(auto transaction, parts_.tables.begin());
  MDP_TRY_VOID(transaction->scan(
      store::Table::kOplog, store::number_key(from),
      [&](std::string_view key, std::string_view bytes) {
        const auto seq = store::key_number(key);
        const auto record = model::decode_record(bytes);
        if (!seq || !record) return true;  // the worker tells of it
        if (until < record->time) return false;
        if (++seen > kPageRecords) {
          page.next = *seq;
          return false;
        }
        const auto* write = std::get_if<model::WriteSliceArgs>(&record->operation);
        if (write && write->slice.id != 0 && !record->staged)
          page.slices.push_back({write->slice.id, write->slice.size});
        asked_to_ = std::max(asked_to_, *seq + 1);
        return true;
      }));
  return page;
}

Result<uint64_t> SliceKeeper::pass() {
  const Timestamp now = parts_.clock.now();
  if (!parts_.backlog.oldest()) return 0;
  // New ones each time, all of them now and then.
  uint64_t from = asked_to_;
  if (!all_asked_ || *all_asked_ <= before(now, parts_.config.sync.keep_data)) {
    from = 0;
    all_asked_ = now;
  }
  const auto soon = std::min<std::chrono::nanoseconds>(kSoon, parts_.config.sync.keep_data);
  uint64_t asked = 0;
  for (std::optional<uint64_t> at = from; at;) {
    MDP_TRY(const Page page, read(*at, before(now, soon)));
    for (const Slice& slice : page.slices) {
      if (ticker_.stopping()) return asked;
      static_cast<void>(parts_.host.slice_is_durable(slice.id, slice.size));
      ++asked;
    }
    at = page.next;
  }
  return asked;
}

}  // namespace fastmeta::engine
