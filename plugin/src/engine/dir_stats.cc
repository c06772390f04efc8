// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dir_stats.h"

#include <algorithm>
#include <cerrno>

#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Ino;
using redis::Command;

namespace {
constexpr size_t kFlushStep = 500;   // directories per round trip
constexpr int kRecomputeTries = 3;   // while others write into the directory
}  // namespace

DirStats::DirStats(redis::Client& client, const model::KeySpace& keys, Log log)
    : client_(client), keys_(keys), log_(std::move(log)) {}

void DirStats::add(const std::vector<model::DirStatDelta>& deltas) {
  if (deltas.empty()) return;
  std::lock_guard lock(mutex_);
  for (const auto& d : deltas) {
    Sum& sum = sums_[d.dir];
    sum.length += d.length;
    sum.space += d.space;
    sum.inodes += d.inodes;
  }
}

size_t DirStats::pending() const {
  std::lock_guard lock(mutex_);
  return sums_.size();
}

void DirStats::put_back(const std::vector<std::pair<Ino, Sum>>& some) {
  std::vector<model::DirStatDelta> deltas;
  for (const auto& [dir, sum] : some) deltas.push_back({dir, sum.length, sum.space, sum.inodes});
  add(deltas);
}

Result<void> DirStats::flush() {
  Sums taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(sums_);
  }
  std::vector<std::pair<Ino, Sum>> all(taken.begin(), taken.end());
  for (size_t from = 0; from < all.size(); from += kFlushStep) {
    const size_t to = std::min(all.size(), from + kFlushStep);
    const std::vector<std::pair<Ino, Sum>> some(all.begin() + static_cast<ptrdiff_t>(from),
                                                all.begin() + static_cast<ptrdiff_t>(to));
    auto sent = flush_some(some);
    if (sent) continue;
    // Applied twice would be as wrong as not at all: an unknown outcome is dropped
    // (a drift that fsck repairs), the rest waits.
    const size_t keep_from = sent.error().fault == Fault::kUnreachable ? to : from;
    put_back({all.begin() + static_cast<ptrdiff_t>(keep_from), all.end()});
    return sent;
  }
  return {};
}

Result<void> DirStats::flush_some(const std::vector<std::pair<Ino, Sum>>& some) {
  MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
  const std::string space_key = keys_.plain(model::kDirUsedSpace);
  std::vector<Command> asks;
  for (const auto& [dir, sum] : some) asks.push_back({"HEXISTS", space_key, std::to_string(dir)});
  MDP_TRY(auto there, lease.roundtrip(asks, client_.deadline()));

  std::vector<Command> adds;
  std::vector<Ino> missing;
  for (size_t i = 0; i < some.size(); ++i) {
    const Ino dir = some[i].first;
    const Sum& sum = some[i].second;
    if (there[i].is_error()) return redis::refused(there[i], "HEXISTS");
    if (there[i].number == 0) {
      missing.push_back(dir);
      continue;
    }
    auto change = [&](std::string_view name, int64_t by) {
      if (by == 0) return;
      adds.push_back({"HINCRBY", keys_.plain(name), std::to_string(dir), std::to_string(by)});
    };
    change(model::kDirDataLength, sum.length);
    change(model::kDirUsedSpace, sum.space);
    change(model::kDirUsedInodes, sum.inodes);
  }
  if (!adds.empty()) {
    MDP_TRY(auto sums, lease.roundtrip(adds, client_.deadline()));
    // A sum below zero is left: the other half may be in another client's hands.
    for (const redis::Reply& sum : sums)
      if (sum.is_error()) return redis::refused(sum, "HINCRBY");
  }
  for (Ino dir : missing) {
    auto done = recompute(dir);
    if (!done)
      log_.warn("statistics of directory {} are not up to date: {}", dir, done.error().text);
  }
  return {};
}

Result<bool> DirStats::ensure(Ino dir) {
  const Command ask{"HEXISTS", keys_.plain(model::kDirUsedSpace), std::to_string(dir)};
  MDP_TRY(auto there, client_.read_one(ask));
  if (there.is_error()) return redis::refused(there, "HEXISTS");
  if (there.number == 1) return true;
  MDP_TRY_VOID(recompute(dir));
  MDP_TRY(auto made, client_.read_one(ask));
  return made.number == 1;
}

Result<void> DirStats::recompute(Ino dir) {
  for (int tries = 0; tries < kRecomputeTries; ++tries) {
    MDP_TRY(redis::Lease lease, client_.lease(client_.deadline()));
    // The directory is watched while it is read, so that rows made from it are
    // rows of one state. What other clients still hold back comes on top later.
    std::vector<Command> ask{{"WATCH", keys_.attr(dir), keys_.dir(dir)},
                             {"EXISTS", keys_.attr(dir)}};
    MDP_TRY(auto exists, lease.roundtrip(ask, client_.deadline()));
    if (exists[1].number == 0) return {};
    Sum sum;
    std::string cursor = "0";
    do {
      const Command scan{"HSCAN", keys_.dir(dir), cursor, "COUNT", "4096"};
      MDP_TRY(auto page, lease.roundtrip(std::span(&scan, 1), client_.deadline()));
      if (page[0].items.size() != 2)
        return Error{Fault::kCorrupt, EIO, "the server answered HSCAN with something else"};
      cursor = page[0].items[0].text;
      Command gets{"MGET"};
      const auto& entries = page[0].items[1].items;
      for (size_t i = 0; i + 1 < entries.size(); i += 2) {
        auto dentry = model::decode_dentry(entries[i + 1].text);
        if (!dentry) continue;
        ++sum.inodes;
        if (dentry->type == model::FileType::kFile)
          gets.push_back(keys_.attr(dentry->ino));
        else
          sum.space += 4096;
      }
      if (gets.size() == 1) continue;
      MDP_TRY(auto attrs, lease.roundtrip(std::span(&gets, 1), client_.deadline()));
      for (const redis::Reply& bytes : attrs[0].items) {
        auto attr = bytes.nil() ? Result<model::Attr>(model::Attr{})
                                : model::decode_attr(bytes.text);
        if (!attr) continue;
        sum.length += static_cast<int64_t>(attr->length);
        sum.space += static_cast<int64_t>(model::charged_space(attr->length));
      }
    } while (cursor != "0");
    const std::string field = std::to_string(dir);
    std::vector<Command> set{
        {"MULTI"},
        {"HSET", keys_.plain(model::kDirDataLength), field, std::to_string(sum.length)},
        {"HSET", keys_.plain(model::kDirUsedSpace), field, std::to_string(sum.space)},
        {"HSET", keys_.plain(model::kDirUsedInodes), field, std::to_string(sum.inodes)},
        {"EXEC"}};
    MDP_TRY(auto done, lease.roundtrip(set, client_.deadline()));
    MDP_TRY_VOID(redis::expect_applied(done, "setting the statistics of a directory"));
    if (!done.back().nil()) return {};
  }
  return Error{Fault::kConflict, EIO, "the directory keeps changing"};
}

}  // namespace fastmeta::engine
