// SPDX-License-Identifier: GPL-3.0-or-later
// The volume's settings: the JSON string under `setting`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "util/result.h"

namespace fastmeta::model {

// The JuiceFS version whose format we implement; compared with the volume's
// MinClientVersion and MaxClientVersion, and shown in our session record.
inline constexpr std::string_view kFormatVersion = "1.4.2";

struct Setting {
  std::string name;
  std::string uuid;
  std::string storage;
  std::string bucket;
  std::string storage_class;
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  uint32_t block_size_kib = 4096;
  std::string compression;
  uint32_t shards = 0;
  bool hash_prefix = false;
  uint64_t capacity = 0;     // bytes
  uint64_t inode_limit = 0;
  std::string encrypt_key;
  bool key_encrypted = false;
  int trash_days = 0;
  int meta_version = 1;
  std::string min_client_version;
  std::string max_client_version;
  bool dir_stats = false;
  bool user_group_quota = false;
  bool enable_acl = false;
  std::string ranger_rest_url;
  bool change_log = false;
  std::string json;  // as stored
};

// Text that is no JSON object, or fields of the wrong type: kCorrupt.
Result<Setting> parse_setting(std::string_view json);

// Fields of `wanted` (JSON object of stored names, from the user) completed with
// defaults into what a new volume stores. Unknown names, wrong types and values
// out of range: kConfig, naming the field and what is allowed.
Result<std::string> new_setting(std::string_view wanted, std::string_view uuid);

// kConfig, of the volume's settings.
Error bad_setting(const std::string& text);

// kConfig naming the field of `setting` when we must not serve this volume.
Result<void> check_supported(const Setting& setting);

// -1, 0, 1 as a < b, a == b, a > b, by the rules of the client's version window.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace fastmeta::model
