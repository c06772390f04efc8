// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/oplog_window.h"

#include <fmt/format.h>

#include <cerrno>

namespace fastmeta::engine {

Result<std::vector<PendingPtr>> OplogWindow::refill(uint64_t last) {
  std::vector<PendingPtr> added;
  if (next_ > last || full()) return added;
  MDP_TRY(auto transaction, tables_.begin());
  std::optional<Error> failed;
  MDP_TRY_VOID(transaction->scan(
      store::Table::kOplog, store::number_key(next_),
      [&](std::string_view key, std::string_view value) {
        if (full()) return false;
        auto seq = store::key_number(key);
        auto record = model::decode_record(value);
        if (!seq || !record) {
          failed = seq ? std::move(record).error() : std::move(seq).error();
          return false;
        }
        if (*seq > last) return false;  // not in the backlog's numbers yet
        auto item = std::make_shared<Pending>();
        item->record = std::move(*record);
        item->bytes = value;
        bytes_ += value.size();
        items_.emplace_hint(items_.end(), *seq, item);
        added.push_back(std::move(item));
        next_ = *seq + 1;
        return true;
      }));
  if (failed) return *failed;
  return added;
}

void OplogWindow::reset() {
  items_.clear();
  bytes_ = 0;
  next_ = 1;
}

Result<void> OplogWindow::reread(uint64_t seq) {
  auto it = items_.find(seq);
  if (it == items_.end()) return {};
  MDP_TRY(auto transaction, tables_.begin());
  MDP_TRY(auto bytes, transaction->get(store::Table::kOplog, store::number_key(seq)));
  if (!bytes) return Error{Fault::kLocalStore, EIO, fmt::format("oplog record {} is gone", seq)};
  MDP_TRY(auto record, model::decode_record(*bytes));
  auto item = std::make_shared<Pending>();
  item->sent = it->second->sent;
  item->record = std::move(record);
  item->bytes = std::move(*bytes);
  bytes_ += item->bytes.size();
  bytes_ -= it->second->bytes.size();
  it->second = std::move(item);
  return {};
}

void OplogWindow::removed(uint64_t seq) {
  auto it = items_.find(seq);
  if (it == items_.end()) return;
  bytes_ -= it->second->bytes.size();
  items_.erase(it);
}

}  // namespace fastmeta::engine
