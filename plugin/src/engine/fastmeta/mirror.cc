// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/fastmeta/mirror.h"

#include <cerrno>

#include "engine/fastmeta/row_writer.h"
#include "engine/redis_commands.h"

namespace fastmeta::engine {

using model::RawValue;
using model::ReadKey;
using model::ReadKind;
using redis::Command;

namespace {
constexpr const char* kScanCount = "10000";
constexpr int kStoreTries = 3;  // rows change under a fill all the time; it is only a fill
}  // namespace

Result<void> Mirror::store(std::span<const std::pair<ReadKey, RawValue>> answers, Token token) {
  std::vector<model::Ino> inodes;
  for (const auto& [read, value] : answers)
    if (const auto parsed = parts_.keys.parse(read.key)) inodes.push_back(parsed->ino);
  // Fills that touch different rows of one hash would not meet otherwise, nor would eviction.
  const Stripes::Held held(parts_.stripes, inodes);
  if (parts_.validity.forgotten() > token) return {};
  for (int tries = 0; tries < kStoreTries; ++tries) {
    MDP_TRY(auto transaction, parts_.tables.begin());
    RowWriter rows(*transaction, parts_.keys, parts_.validity);
    Result<void> done;
    for (const auto& [read, value] : answers) {
      if (!parts_.validity.valid(token, read.key)) continue;
      done = rows.fill(read, value, token);
      if (!done) break;
    }
    if (done) done = transaction->commit();
    if (done || done.error().fault != Fault::kConflict) return done;
  }
  return {};  // the caller has its answers all the same
}

Result<void> Mirror::fetch(std::span<const ReadKey> wanted, Fetched& into) {
  std::vector<ReadKey> plain;
  std::vector<model::Ino> dirs;
  for (const ReadKey& read : wanted) {
    const auto parsed = parts_.keys.parse(read.key);
    if (read.kind == ReadKind::kHashCount && parsed && parsed->kind == 'd')
      dirs.push_back(parsed->ino);
    else
      plain.push_back(read);
  }
  fetches_.fetch_add(1, std::memory_order_relaxed);
  if (!plain.empty()) {
    const Token token = parts_.validity.now();
    MDP_TRY(auto answers, fetcher_.fetch(plain, parts_.client.deadline()));
    if (auto stored = store(answers, token); !stored && stored.error().code != ENOSPC)
      return stored;
    for (auto& [read, value] : answers) into.put(read, std::move(value), token);
  }
  for (model::Ino dir : dirs) {
    const Token token = parts_.validity.now();
    RawValue number;
    MDP_TRY(number.count, count_of(dir));
    // It may be empty but for what the server does not know yet.
    const size_t most = kSmall + parts_.backlog.seen().records;
    const bool many = number.count > most;
    into.put({ReadKind::kHashCount, parts_.keys.dir(dir), {}, true}, std::move(number), token);
    if (many) continue;
    auto listing = list(dir, 2 * most);
    if (listing)
      into.put({ReadKind::kHash, parts_.keys.dir(dir), {}, true}, std::move(*listing), token);
    else if (listing.error().code != EFBIG)
      return std::move(listing).error();
  }
  return {};
}

redis::Scan Mirror::scan_of(model::Ino dir) const {
  return {parts_.client, {"HSCAN", parts_.keys.dir(dir), "0", "COUNT", kScanCount}, 2};
}

Result<uint64_t> Mirror::count_of(model::Ino dir) {
  const ReadKey count{ReadKind::kHashCount, parts_.keys.dir(dir), {}, true};
  MDP_TRY(auto reply, parts_.client.read_one(to_command(count)));
  MDP_TRY(const RawValue number, to_value(count, std::move(reply)));
  return number.count;
}

Result<RawValue> Mirror::list(model::Ino dir, size_t most) {
  const std::string key = parts_.keys.dir(dir);
  const Token token = parts_.validity.now();
  listings_.fetch_add(1, std::memory_order_relaxed);
  std::map<std::string, std::string> found;  // a scan may report a name twice
  redis::Scan scan = scan_of(dir);
  while (!scan.done()) {
    const bool first = found.empty();
    MDP_TRY(auto entries, scan.next());
    for (size_t i = 0; i < entries.size(); i += 2)
      found.insert_or_assign(std::move(entries[i].text), std::move(entries[i + 1].text));
    if (found.size() > most) return Error::answer(EFBIG);
    if (first && !scan.done()) {
      MDP_TRY(const uint64_t count, count_of(dir));
      if (count > most) return Error::answer(EFBIG);
    }
  }
  std::pair<ReadKey, RawValue> answer;
  answer.first = {ReadKind::kHash, key, {}, true};
  answer.second.exists = !found.empty();
  answer.second.fields.assign(std::make_move_iterator(found.begin()),
                              std::make_move_iterator(found.end()));
  if (auto stored = store(std::span(&answer, 1), token); !stored && stored.error().code != ENOSPC)
    return std::move(stored).error();
  return std::move(answer.second);
}

Result<bool> Mirror::holds_all(store::Transaction& transaction, model::Ino dir) {
  RowWriter rows(transaction, parts_.keys, parts_.validity);
  MDP_TRY(const Row marker, rows.load(marker_key(parts_.keys.dir(dir))));
  if (marker.base == Row::Base::kPresent || marker.local == Row::Local::kAbsent) return true;
  MDP_TRY(const Row inode, rows.load(row_key(parts_.keys.attr(dir))));
  return inode.born.has_value();
}

Result<bool> Mirror::complete(model::Ino dir) {
  const std::string key = parts_.keys.dir(dir);
  MDP_TRY(auto transaction, parts_.tables.begin());
  RowWriter rows(*transaction, parts_.keys, parts_.validity);
  MDP_TRY(const Row marker, rows.load(marker_key(key)));
  if (marker.base == Row::Base::kPresent && parts_.validity.valid(marker.base_token, key))
    return true;
  MDP_TRY(const Row inode, rows.load(row_key(parts_.keys.attr(dir))));
  return inode.born && parts_.validity.valid(*inode.born, key);
}

Result<void> Mirror::refresh(model::Ino dir) {
  const std::string key = parts_.keys.dir(dir);
  {
    MDP_TRY(auto transaction, parts_.tables.begin());
    RowWriter rows(*transaction, parts_.keys, parts_.validity);
    MDP_TRY(const Row marker, rows.load(marker_key(key)));
    if (marker.base != Row::Base::kPresent) return {};
    if (parts_.validity.valid(marker.base_token, key)) return {};
  }
  auto listed = list(dir, kSmall);
  if (listed || listed.error().code == EFBIG) return {};
  return std::move(listed).error();
}

Mirror::Stats Mirror::stats() const {
  return {hits_.load(std::memory_order_relaxed), misses_.load(std::memory_order_relaxed),
          fetches_.load(std::memory_order_relaxed), listings_.load(std::memory_order_relaxed)};
}

}  // namespace fastmeta::engine
