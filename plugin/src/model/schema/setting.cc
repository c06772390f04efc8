// SPDX-License-Identifier: GPL-3.0-or-later
// Reading `setting`, and whether we may serve the volume it describes.
#include "model/schema/setting.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <concepts>
#include <nlohmann/json.hpp>

#include "model/schema/setting_limits.h"
#include "model/schema/version.h"
#include "util/log.h"

namespace fastmeta::model {
namespace {

using nlohmann::json;

Error corrupt_field(const char* field, const char* what) {
  return {Fault::kCorrupt, EIO, std::string("setting: ") + field + " is no " + what};
}

// Each leaves `out` at zero when the field is absent or null: that is how the
// standard client writes a zero.
Result<void> read(const json& all, const char* field, std::string& out) {
  out.clear();
  auto it = all.find(field);
  if (it == all.end() || it->is_null()) return {};
  if (!it->is_string()) return corrupt_field(field, "string");
  out = it->get_ref<const std::string&>();
  return {};
}

Result<void> read(const json& all, const char* field, bool& out) {
  out = false;
  auto it = all.find(field);
  if (it == all.end() || it->is_null()) return {};
  if (!it->is_boolean()) return corrupt_field(field, "boolean");
  out = it->get<bool>();
  return {};
}

template <std::integral T>
Result<void> read(const json& all, const char* field, T& out) {
  out = 0;
  auto it = all.find(field);
  if (it == all.end() || it->is_null()) return {};
  if (it->is_number_unsigned()) {
    const auto value = it->get<uint64_t>();
    if (!std::in_range<T>(value)) return corrupt_field(field, "number in range");
    out = static_cast<T>(value);
    return {};
  }
  if (!it->is_number_integer()) return corrupt_field(field, "whole number");
  const auto value = it->get<int64_t>();
  if (!std::in_range<T>(value)) return corrupt_field(field, "number in range");
  out = static_cast<T>(value);
  return {};
}

Result<void> check_window(const Setting& setting) {
  const auto ours = parse_version(kFormatVersion);
  struct Bound {
    const char* field;
    const std::string& text;
    int refused_when;  // what comparing ours with it must not give
  };
  for (const Bound& bound : {Bound{"MinClientVersion", setting.min_client_version, -1},
                             Bound{"MaxClientVersion", setting.max_client_version, 1}}) {
    if (bound.text.empty()) continue;
    const auto limit = parse_version(bound.text);
    if (!limit)
      return bad_setting(std::string(bound.field) + " is " + quote(bound.text, 40) +
                         ", which is no version");
    if (compare_versions(*ours, *limit) == bound.refused_when)
      return bad_setting(std::string(bound.field) + " is " + bound.text +
                         ", this client has the format of " + std::string(kFormatVersion));
  }
  return {};
}

}  // namespace

Error bad_setting(const std::string& text) { return {Fault::kConfig, EINVAL, "setting: " + text}; }

Result<Setting> parse_setting(std::string_view text) {
  const json all = json::parse(text, nullptr, false);
  if (all.is_discarded() || !all.is_object())
    return Error{Fault::kCorrupt, EIO, "setting: not a JSON object"};
  Setting s;
  MDP_TRY_VOID(read(all, "Name", s.name));
  MDP_TRY_VOID(read(all, "UUID", s.uuid));
  MDP_TRY_VOID(read(all, "Storage", s.storage));
  MDP_TRY_VOID(read(all, "Bucket", s.bucket));
  MDP_TRY_VOID(read(all, "StorageClass", s.storage_class));
  MDP_TRY_VOID(read(all, "AccessKey", s.access_key));
  MDP_TRY_VOID(read(all, "SecretKey", s.secret_key));
  MDP_TRY_VOID(read(all, "SessionToken", s.session_token));
  MDP_TRY_VOID(read(all, "BlockSize", s.block_size_kib));
  MDP_TRY_VOID(read(all, "Compression", s.compression));
  MDP_TRY_VOID(read(all, "Shards", s.shards));
  MDP_TRY_VOID(read(all, "HashPrefix", s.hash_prefix));
  MDP_TRY_VOID(read(all, "Capacity", s.capacity));
  MDP_TRY_VOID(read(all, "Inodes", s.inode_limit));
  MDP_TRY_VOID(read(all, "EncryptKey", s.encrypt_key));
  MDP_TRY_VOID(read(all, "KeyEncrypted", s.key_encrypted));
  MDP_TRY_VOID(read(all, "TrashDays", s.trash_days));
  MDP_TRY_VOID(read(all, "MetaVersion", s.meta_version));
  MDP_TRY_VOID(read(all, "MinClientVersion", s.min_client_version));
  MDP_TRY_VOID(read(all, "MaxClientVersion", s.max_client_version));
  MDP_TRY_VOID(read(all, "DirStats", s.dir_stats));
  MDP_TRY_VOID(read(all, "UserGroupQuota", s.user_group_quota));
  MDP_TRY_VOID(read(all, "EnableACL", s.enable_acl));
  MDP_TRY_VOID(read(all, "RangerRestUrl", s.ranger_rest_url));
  MDP_TRY_VOID(read(all, "ChangeLog", s.change_log));
  if (s.name.empty()) return corrupt_field("Name", "name");
  if (s.uuid.empty()) return corrupt_field("UUID", "identity");
  s.json = text;
  return s;
}

Result<void> check_supported(const Setting& s) {
  if (s.meta_version > kMetaVersionMax)
    return bad_setting("MetaVersion is " + std::to_string(s.meta_version) + ", up to " +
                       std::to_string(kMetaVersionMax) + " is understood");
  MDP_TRY_VOID(check_window(s));
  if (s.storage != kStorage)
    return bad_setting("Storage is " + quote(s.storage, 40) + ", only \"file\" is supported");
  if (!valid_block_size(s.block_size_kib))
    return bad_setting("BlockSize is " + std::to_string(s.block_size_kib) + ", " +
                       std::string(kBlockSizeAllowed));
  if (!valid_compression(s.compression))
    return bad_setting("Compression is " + quote(s.compression, 40) + ", " +
                       std::string(kCompressionAllowed));
  if (s.shards > 1)
    return bad_setting("Shards is " + std::to_string(s.shards) +
                       ", more than one is not supported");
  if (!s.encrypt_key.empty()) return bad_setting("EncryptKey is set, encryption is not supported");
  if (s.trash_days < 0)
    return bad_setting("TrashDays is " + std::to_string(s.trash_days) + ", at least 0 is allowed");
  if (s.enable_acl) return bad_setting("EnableACL is true, ACLs are not supported");
  if (s.user_group_quota)
    return bad_setting("UserGroupQuota is true, quotas of users and groups are not supported");
  if (s.change_log) return bad_setting("ChangeLog is true, the change log is not supported");
  return {};
}

}  // namespace fastmeta::model
