// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/cursor_check.h"

#include <algorithm>
#include <cerrno>

#include "engine/fastmeta/row_writer.h"
#include "engine/fastmeta/settle.h"

namespace fastmeta::engine {

using store::Table;

namespace {

constexpr std::string_view kWhatToDo =
    "; nothing is sent. If the metadata server was restored from a backup or flushed, export "
    "the backlog (fastmeta oplog export), then drop the cache directory (fastmeta cache drop) "
    "and mount again. If this cache directory is a copy, use the original or drop this one";

constexpr size_t kOfferStep = 256;  // records a transaction
// Numbers that a power loss can have taken from us, far more than are made between two syncs of
// the log. What goes beyond is damage, and numbers would be counted one by one, or run out.
constexpr uint64_t kLostMax = uint64_t{1} << 26;

}  // namespace

Result<std::vector<PendingPtr>> CursorCheck::forgotten(const model::ClientCursor& cursor) const {
  std::vector<PendingPtr> found;
  std::optional<Error> failed;
  MDP_TRY(auto transaction, parts_.tables.begin());
  MDP_TRY_VOID(transaction->scan(
      Table::kApplied, store::number_key(cursor.low + 1),
      [&](std::string_view key, std::string_view row) {
        auto seq = store::key_number(key);
        if (!seq) {
          failed = std::move(seq).error();
          return false;
        }
        if (cursor.applied(*seq)) return true;
        auto record = model::decode_record(applied_record(row));
        if (!record) {
          failed = std::move(record).error();
          return false;
        }
        auto item = std::make_shared<Pending>();
        item->record = std::move(*record);
        item->bytes = applied_record(row);
        found.push_back(std::move(item));
        return true;
      }));
  if (failed) return *failed;
  return found;
}

Result<std::optional<uint64_t>> CursorCheck::lost(const model::ClientCursor& cursor,
                                                  const Progress& progress) const {
  const uint64_t end = std::min(progress.low, progress.trimmed);
  MDP_TRY(auto transaction, parts_.tables.begin());
  for (uint64_t seq = cursor.low + 1; seq <= end; ++seq) {
    if (cursor.applied(seq)) continue;
    const std::string key = store::number_key(seq);
    MDP_TRY(auto kept, transaction->get(Table::kApplied, key));
    if (kept) continue;
    MDP_TRY(auto pending, transaction->get(Table::kOplog, key));
    if (!pending) return std::optional(seq);
  }
  return std::optional<uint64_t>();
}

Result<CursorFound> CursorCheck::compare(const std::optional<std::string>& value,
                                         const Progress& progress, uint64_t known_highest,
                                         bool first) const {
  CursorFound found;
  auto refuse = [&](std::string why) {
    found.refusal = std::move(why) + std::string(kWhatToDo);
    return std::move(found);
  };
  found.cursor.incarnation = identity_.incarnation;
  if (value) {
    auto cursor = model::decode_cursor(*value);
    if (!cursor)
      return refuse("the server's record of what this client has sent is damaged (" +
                    cursor.error().text + ")");
    if (cursor->incarnation != identity_.incarnation)
      return refuse("the server knows this client by another incarnation: another process uses "
                    "a copy of this cache directory, or it was restored");
    if (cursor->highest() > known_highest && !first)
      return refuse(fmt::format("the server has changes up to number {} of this client, which "
                                "has only made {}: another process uses a copy of this cache "
                                "directory",
                                cursor->highest(), known_highest));
    if (cursor->highest() > known_highest && cursor->highest() - known_highest > kLostMax)
      return refuse(fmt::format("the server's record of what this client has sent is damaged (it "
                                "goes up to number {}, and {} was the last one here)",
                                cursor->highest(), known_highest));
    found.cursor = std::move(*cursor);
  }
  MDP_TRY(auto gone, lost(found.cursor, progress));
  if (gone)
    return refuse(fmt::format("the metadata server has lost changes of this client that it had "
                              "confirmed (from number {} on), longer ago than they are kept here",
                              *gone));
  MDP_TRY(found.forgotten, forgotten(found.cursor));
  return found;
}

Result<void> CursorCheck::offer_again(const std::vector<PendingPtr>& forgotten) const {
  if (forgotten.empty()) return {};
  // All that is pending and newer, too: its changes go on top again.
  std::vector<PendingPtr> all = forgotten;
  {
    MDP_TRY(auto transaction, parts_.tables.begin());
    std::optional<Error> failed;
    MDP_TRY_VOID(transaction->scan(Table::kOplog, {}, [&](std::string_view, std::string_view v) {
      auto record = model::decode_record(v);
      if (!record) {
        failed = std::move(record).error();
        return false;
      }
      auto item = std::make_shared<Pending>();
      item->record = std::move(*record);
      all.push_back(std::move(item));
      return true;
    }));
    if (failed) return *failed;
  }
  std::ranges::sort(all, {}, [](const PendingPtr& item) { return item->record.seq; });
  std::vector<model::Ino> inodes;
  for (const PendingPtr& item : all)
    for (const model::Write& write : item->record.writes)
      if (auto parsed = parts_.keys.parse(write.key)) inodes.push_back(parsed->ino);

  Stripes::Held held(parts_.stripes, inodes);
  auto in_steps = [&](const std::vector<PendingPtr>& items, auto&& change) -> Result<void> {
    for (size_t at = 0; at < items.size(); at += kOfferStep)
      MDP_TRY_VOID(
          Settler::transact(parts_.tables, [&](store::Transaction& transaction) -> Result<void> {
            RowWriter rows(transaction, parts_.keys, parts_.validity);
            for (size_t i = at; i < std::min(items.size(), at + kOfferStep); ++i)
              MDP_TRY_VOID(change(transaction, rows, *items[i]));
            return {};
          }));
    return {};
  };
  MDP_TRY_VOID(in_steps(all, [](store::Transaction&, RowWriter& rows, const Pending& item) {
    for (const model::Write& write : item.record.writes)
      if (auto done = rows.drop_pending(write); !done) return done;
    return Result<void>();
  }));
  // A change that is pending over a row and its record are moved together: the tail of the
  // local log may be lost, and then the record must still be there to end the change.
  MDP_TRY_VOID(in_steps(
      all,
      [&](store::Transaction& transaction, RowWriter& rows, const Pending& item) -> Result<void> {
        // An inode that was made here is not new any more: its other rows hold what the
        // server had before it went back.
        for (const model::Write& write : item.record.writes)
          MDP_TRY_VOID(rows.pending(write, item.record.seq, false));
        if (item.bytes.empty()) return {};  // was pending all the time
        const std::string key = store::number_key(item.record.seq);
        MDP_TRY_VOID(transaction.put(Table::kOplog, key, item.bytes));
        return transaction.erase(Table::kApplied, key);
      }));
  for (const PendingPtr& item : forgotten)
    parts_.backlog.recovered(item->record.seq, item->bytes.size(), item->record.time,
                             item->record.used_space, item->record.used_inodes);
  return {};
}

}  // namespace fastmeta::engine
