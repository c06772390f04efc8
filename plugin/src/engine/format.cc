// SPDX-License-Identifier: GPL-3.0-or-later
// Creating a volume: see doc/schema.md, "A new volume".
#include <cerrno>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/volume.h"
#include "model/schema/codec.h"

namespace fastmeta::engine {

using model::Attr;
using model::FileType;
using model::KeySpace;
using redis::Command;

namespace {

std::string random_uuid() {
  std::random_device device;
  uint8_t b[16];
  for (auto& byte : b) byte = static_cast<uint8_t>(device());
  b[6] = static_cast<uint8_t>((b[6] & 0x0f) | 0x40);  // version 4
  b[8] = static_cast<uint8_t>((b[8] & 0x3f) | 0x80);  // variant 1
  std::string text;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", b[i]);
  }
  return text;
}

Attr top_directory(uint16_t perm, int64_t now) {
  Attr attr;
  attr.type = FileType::kDirectory;
  attr.perm = perm;
  attr.atime = attr.mtime = attr.ctime = {now, 0};
  attr.nlink = 2;
  attr.length = model::kDirLength;
  attr.parent = model::kRootIno;
  return attr;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Does a key belong to a volume (or to us)? Everything else in the database is
// somebody else's and stays.
bool is_volume_key(const KeySpace& keys, std::string_view key) {
  static constexpr std::string_view kNames[] = {
      "setting",       "usedSpace",       "totalInodes",     "nextinode",       "nextchunk",
      "nextsession",   "nextTrash",       "aclMaxId",        "krbTokenMaxId",   "krbToken",
      "allSessions",   "sessions",        "sessionInfos",    "delfiles",        "detachedNodes",
      "sliceRef",      "delSlices",       "dirDataLength",   "dirUsedSpace",    "dirUsedInodes",
      "dirQuota",      "dirQuotaUsedSpace", "dirQuotaUsedInodes", "userQuota",
      "userQuotaUsedSpace", "userQuotaUsedInodes", "groupQuota", "groupQuotaUsedSpace",
      "groupQuotaUsedInodes", "acl", "txnLog", "txnLastLog", "lastCleanupSessions",
      "lastCleanupFiles", "lastCleanupTrash", "nextCleanupSlices", "lastCleanupChangelog"};
  if (!key.starts_with(keys.prefix())) return false;
  if (keys.parse(key)) return true;
  key.remove_prefix(keys.prefix().size());
  if (key.starts_with("fastmeta:")) return true;
  for (const auto name : kNames)
    if (key == name) return true;
  for (const std::string_view head : {"lockf", "lockp", "session", "locked"})
    if (key.starts_with(head) && is_number(key.substr(head.size()))) return true;
  return false;
}

Result<void> remove_volume(redis::Client& client, const KeySpace& keys, const Log& log) {
  uint64_t removed = 0;
  std::string cursor = "0";
  do {
    MDP_TRY(auto page, client.write_one({"SCAN", cursor, "COUNT", "10000"}));
    if (page.is_error()) return redis::refused(page, "SCAN");
    if (page.items.size() != 2) return Error{Fault::kCorrupt, EIO, "SCAN was answered oddly"};
    cursor = page.items[0].text;
    Command drop{"UNLINK"};
    for (const auto& key : page.items[1].items)
      if (is_volume_key(keys, key.text)) drop.push_back(key.text);
    if (drop.size() == 1) continue;
    MDP_TRY(auto reply, client.write_one(drop));
    if (reply.is_error()) return redis::refused(reply, "UNLINK");
    removed += static_cast<uint64_t>(reply.number);
  } while (cursor != "0");
  log.warn("removed {} keys of the volume that was there", removed);
  return {};
}

}  // namespace

Result<void> format_volume(const config::PluginConfig& config, const std::string& settings,
                           bool force, const Log& log) {
  MDP_TRY(const std::string setting, model::new_setting(settings, random_uuid()));
  MDP_TRY(const model::Setting parsed, model::parse_setting(setting));
  MDP_TRY(auto client, connect_client(config, log));
  const KeySpace keys(client->key_prefix());

  MDP_TRY(auto there, client->write_one({"GET", keys.setting()}));
  const bool occupied = there.is_error() || !there.nil();
  if (occupied && !force) {
    auto old = there.is_error() ? Result<model::Setting>(Error{})
                                : model::parse_setting(there.text);
    return Error{Fault::kAnswer, EEXIST,
                 fmt::format("this database holds a volume already{}; --force gives it up",
                             old ? fmt::format(" ({}, UUID {})", old->name, old->uuid) : "")};
  }
  if (occupied) MDP_TRY_VOID(remove_volume(*client, keys, log));

  MDP_TRY(redis::Lease lease, client->lease(client->deadline()));
  const std::vector<Command> look{{"WATCH", keys.setting(), keys.attr(model::kRootIno)},
                                  {"EXISTS", keys.setting()}};
  MDP_TRY(auto seen, lease.roundtrip(look, client->deadline()));
  if (seen[1].number != 0)
    return Error{Fault::kAnswer, EEXIST, "another client has just created a volume here"};
  const int64_t now = Clock().now().sec;
  std::vector<Command> create{
      {"MULTI"},
      {"SET", keys.setting(), setting},
      {"SET", keys.attr(model::kRootIno), model::encode_attr(top_directory(0777, now))}};
  if (parsed.trash_days > 0)
    create.push_back({"SETNX", keys.attr(model::kTrashIno),
                      model::encode_attr(top_directory(0555, now))});
  create.push_back({"EXEC"});
  MDP_TRY(auto done, lease.roundtrip(create, client->deadline()));
  MDP_TRY_VOID(redis::expect_applied(done, "creating the volume"));
  if (done.back().nil())
    return Error{Fault::kAnswer, EEXIST, "another client has just created a volume here"};
  return {};
}

}  // namespace fastmeta::engine
