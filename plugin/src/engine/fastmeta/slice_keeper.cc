// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/slice_keeper.h"

#include <algorithm>
#include <chrono>

#include "engine/fastmeta/journal_entry.h"
#include "store/tables.h"

namespace fastmeta::engine {

using store::Table;

namespace {

// What is sent within this time is nobody's concern here.
constexpr std::chrono::seconds kSoon{5};
constexpr size_t kPageRecords = 512;

}  // namespace

void SliceKeeper::start() {
  const auto every = std::min<std::chrono::milliseconds>(kSoon, parts_.config.sync.keep_data);
  ticker_.start("fm-keep-slices", every, [this] {
    if (auto done = pass(); !done)
      parts_.log.warn("data of changes that wait was not looked after: {}", done.error().text);
  });
}

void SliceKeeper::add(const model::OplogRecord& record, Page& page) {
  const auto* write = std::get_if<model::WriteSliceArgs>(&record.operation);
  if (write && write->slice.id != 0) page.slices.push_back({write->slice.id, write->slice.size});
}

Result<SliceKeeper::Page> SliceKeeper::read(Table table, uint64_t from, const Look& look) {
  Page page;
  size_t seen = 0;
  MDP_TRY(auto transaction, parts_.tables.begin());
  MDP_TRY_VOID(transaction->scan(
      table, store::number_key(from), [&](std::string_view key, std::string_view bytes) {
        const auto number = store::key_number(key);
        if (!number) return true;
        if (++seen <= kPageRecords) return look(*number, bytes, page);
        page.next = *number;
        return false;
      }));
  return page;
}

Result<SliceKeeper::Page> SliceKeeper::pending(uint64_t from, std::chrono::nanoseconds soon) {
  const Timestamp now = parts_.clock.now();
  return read(Table::kOplog, from, [&](uint64_t seq, std::string_view bytes, Page& page) {
    const auto record = model::decode_record(bytes);
    if (!record) return true;  // the worker tells of it
    if (is_recent(record->time, now, soon)) return false;
    if (!record->staged) add(*record, page);
    asked_to_ = std::max(asked_to_, seq + 1);
    return true;
  });
}

Result<SliceKeeper::Page> SliceKeeper::journalled(uint64_t from) {
  return read(Table::kJournal, from, [](uint64_t, std::string_view bytes, Page& page) {
    const auto entry = decode_entry(bytes);
    if (!entry || entry->state != JournalEntry::State::kOpen) return true;
    if (const auto record = model::decode_record(entry->record)) add(*record, page);
    for (const std::string& later : entry->later)
      if (const auto record = model::decode_record(later)) add(*record, page);
    return true;
  });
}

uint64_t SliceKeeper::ask(const Page& page) {
  for (const Slice& slice : page.slices) {
    if (ticker_.stopping()) break;
    static_cast<void>(parts_.host.slice_is_durable(slice.id, slice.size));
  }
  return page.slices.size();
}

Result<uint64_t> SliceKeeper::pass() {
  const Timestamp now = parts_.clock.even();
  // New ones each time, all of them now and then.
  const bool all = !all_asked_ || !is_recent(*all_asked_, now, parts_.config.sync.keep_data);
  if (all) all_asked_ = now;
  uint64_t asked = 0;
  for (std::optional<uint64_t> at = 0; all && at;) {
    MDP_TRY(const Page page, journalled(*at));
    asked += ask(page);
    at = page.next;
  }
  if (!parts_.backlog.oldest()) return asked;
  const auto soon = std::min<std::chrono::nanoseconds>(kSoon, parts_.config.sync.keep_data);
  for (std::optional<uint64_t> at = all ? 0 : asked_to_; at;) {
    MDP_TRY(const Page page, pending(*at, soon));
    asked += ask(page);
    at = page.next;
  }
  return asked;
}

}  // namespace fastmeta::engine
