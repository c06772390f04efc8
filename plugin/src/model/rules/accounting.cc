// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/accounting.h"

#include <algorithm>
#include <string>

#include "model/schema/codec.h"

namespace fastmeta::model {

namespace {

int64_t signed_difference(uint64_t now, uint64_t before) {
  return static_cast<int64_t>(now) - static_cast<int64_t>(before);
}

}  // namespace

void add_space(const View& seen, Mutations& out, int64_t delta) {
  out.incr_by(seen.keys().plain(kUsedSpace), delta);
  out.used_space += delta;
}

void add_inodes(const View& seen, Mutations& out, int64_t delta) {
  out.incr_by(seen.keys().plain(kTotalInodes), delta);
  out.used_inodes += delta;
}

void count_entry(const View& seen, Mutations& out, Ino dir, const Attr& node, int sign) {
  if (!seen.facts().dir_stats) return;
  const uint64_t length = node.is_file() ? node.length : 0;
  out.dir_stats.push_back({dir, sign * static_cast<int64_t>(length),
                           sign * static_cast<int64_t>(charged_space(length)), sign});
}

Result<void> count_length_change(const View& seen, Mutations& out, Ino ino, const Attr& attr,
                                 uint64_t old_length) {
  if (!seen.facts().dir_stats || attr.nlink == 0 || attr.length == old_length) return {};
  const int64_t length = signed_difference(attr.length, old_length);
  const int64_t space = signed_difference(charged_space(attr.length), charged_space(old_length));
  if (attr.parent != 0) {
    out.dir_stats.push_back({attr.parent, length, space, 0});
    return {};
  }
  MDP_TRY(auto parents, seen.parents(ino));
  for (const auto& [parent, count] : parents)
    out.dir_stats.push_back({parent, length * count, space * count, 0});
  return {};
}

void zero_dir_stats(const View& seen, Mutations& out, Ino dir) {
  const std::string field = std::to_string(dir);
  for (std::string_view row : {kDirUsedInodes, kDirDataLength, kDirUsedSpace})
    out.hset(seen.keys().plain(row), field, "0");
}

void put_attr(const View& seen, Mutations& out, Ino ino, const Attr& attr) {
  out.set(seen.keys().attr(ino), encode_attr(attr));
}

void touch_ctime(Attr& attr, Timestamp now) { attr.ctime = std::max(attr.ctime, now); }

bool touch_dir(const VolumeFacts& facts, Attr& dir, Timestamp now, bool forced) {
  if (!forced && now.since(dir.mtime) < facts.dir_mtime_step_ns) return false;
  dir.mtime = std::max(dir.mtime, now);
  touch_ctime(dir, now);
  return true;
}

void touch_content(Attr& attr, Timestamp mtime, Timestamp now) {
  if (mtime == attr.mtime) mtime = mtime.next();
  attr.mtime = mtime;
  touch_ctime(attr, now);
}

}  // namespace fastmeta::model
