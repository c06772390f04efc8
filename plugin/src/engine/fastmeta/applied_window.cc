// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/applied_window.h"

#include <algorithm>
#include <vector>

#include "util/bytes.h"

namespace fastmeta::engine {

namespace {

constexpr size_t kTimeBytes = 8;

int64_t millis(Timestamp t) { return t.nanos() / 1'000'000; }

}  // namespace

std::string applied_row(Timestamp at, std::string_view record) {
  std::string row;
  row.reserve(kTimeBytes + record.size());
  put_be(row, static_cast<uint64_t>(millis(at)));
  row += record;
  return row;
}

std::string_view applied_record(std::string_view row) {
  return row.size() < kTimeBytes ? std::string_view() : row.substr(kTimeBytes);
}

Result<void> AppliedWindow::load() {
  MDP_TRY(auto transaction, tables_.begin());
  records_ = 0;
  return transaction->scan(store::Table::kApplied, {}, [&](std::string_view, std::string_view) {
    ++records_;
    return true;
  });
}

Result<void> AppliedWindow::trim(Timestamp now, Progress& progress) {
  const int64_t now_ms = millis(now);
  const bool many = records_ > limits_.keep_applied_records;
  if (records_ == 0 || (!many && now_ms < next_ms_)) return {};
  MDP_TRY(auto transaction, tables_.begin());
  std::vector<std::string> old;
  size_t left = records_;
  MDP_TRY_VOID(transaction->scan(
      store::Table::kApplied, store::number_key(from_),
      [&](std::string_view key, std::string_view row) {
        BytesReader in(row);
        const auto at = static_cast<int64_t>(in.be<uint64_t>());
        const bool keep = in.ok() && now_ms - at < limits_.keep_applied.count() &&
                          left <= limits_.keep_applied_records;
        if (keep || old.size() >= kStep) return false;
        old.emplace_back(key);
        --left;
        return true;
      }));
  if (old.size() < kStep) next_ms_ = now_ms + kEvery.count();
  if (old.empty()) return {};
  Progress after = progress;
  for (const std::string& key : old) MDP_TRY_VOID(transaction->erase(store::Table::kApplied, key));
  MDP_TRY(uint64_t highest, store::key_number(old.back()));
  after.trimmed = std::max(after.trimmed, highest);
  MDP_TRY_VOID(save(*transaction, after));
  MDP_TRY_VOID(transaction->commit());
  progress = after;
  removed(old.size());
  // A late record may be applied under a lower number: the next start finds it.
  from_ = highest + 1;
  return {};
}

}  // namespace fastmeta::engine
