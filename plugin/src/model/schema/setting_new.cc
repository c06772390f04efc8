// SPDX-License-Identifier: GPL-3.0-or-later
// Making the `setting` of a new volume from what its owner asks for.
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "model/schema/setting.h"
#include "model/schema/setting_limits.h"
#include "util/log.h"
#include "util/nearest.h"

namespace fastmeta::model {
namespace {

// Keeps the order of the fields: the standard client's, for whoever compares.
using Json = nlohmann::ordered_json;

enum class Kind { kString, kNumber, kBool };

struct Choice {
  std::string_view field;
  Kind kind;
};

// What the owner may say. Values that we cannot serve are refused like those of
// an existing volume, so that the message is the same.
constexpr std::array kChoices = {
    Choice{"Name", Kind::kString},        Choice{"Storage", Kind::kString},
    Choice{"Bucket", Kind::kString},      Choice{"BlockSize", Kind::kNumber},
    Choice{"Compression", Kind::kString}, Choice{"Shards", Kind::kNumber},
    Choice{"HashPrefix", Kind::kBool},    Choice{"Capacity", Kind::kNumber},
    Choice{"Inodes", Kind::kNumber},      Choice{"EncryptKey", Kind::kString},
    Choice{"TrashDays", Kind::kNumber},   Choice{"DirStats", Kind::kBool},
    Choice{"UserGroupQuota", Kind::kBool}, Choice{"EnableACL", Kind::kBool},
    Choice{"ChangeLog", Kind::kBool},
};

// Fields that a volume has, but which nobody chooses.
constexpr std::array kGiven = {
    std::string_view("UUID"),           std::string_view("Tiers"),
    std::string_view("EncryptAlgo"),    std::string_view("KeyEncrypted"),
    std::string_view("MetaVersion"),    std::string_view("MinClientVersion"),
    std::string_view("MaxClientVersion"),
};

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string all_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

Error unknown_field(std::string_view field) {
  constexpr size_t kNameBytesMax = 64;  // longer ones resemble nothing
  const std::string looked_at = all_lower(field.substr(0, kNameBytesMax));
  auto nearest = std::min_element(kChoices.begin(), kChoices.end(), [&](auto& a, auto& b) {
    return edit_distance(looked_at, all_lower(a.field)) <
           edit_distance(looked_at, all_lower(b.field));
  });
  return bad_setting(quote(field, kNameBytesMax) + " is no field of it, the nearest is " +
                     std::string(nearest->field));
}

Result<void> check_kind(const Choice& choice, const Json& value) {
  const std::string field(choice.field);
  switch (choice.kind) {
    case Kind::kString:
      if (!value.is_string()) return bad_setting(field + " must be a string");
      break;
    case Kind::kNumber:
      if (!value.is_number_unsigned())
        return bad_setting(field + " must be a whole number, 0 or more");
      break;
    case Kind::kBool:
      if (!value.is_boolean()) return bad_setting(field + " must be true or false");
      break;
  }
  return {};
}

Result<Json> read_wanted(std::string_view text) {
  Json wanted = Json::parse(text, nullptr, false);
  if (wanted.is_discarded() || !wanted.is_object())
    return bad_setting("what is wanted is not a JSON object");
  for (auto it = wanted.begin(); it != wanted.end(); ++it) {
    const std::string& field = it.key();
    auto choice = std::find_if(kChoices.begin(), kChoices.end(),
                               [&](const Choice& c) { return c.field == field; });
    if (choice != kChoices.end()) {
      MDP_TRY_VOID(check_kind(*choice, it.value()));
    } else if (std::find(kGiven.begin(), kGiven.end(), field) != kGiven.end()) {
      return bad_setting(field + " cannot be chosen");
    } else {
      return unknown_field(field);
    }
  }
  return wanted;
}

// Objects are found by appending their name to it.
Result<std::string> bucket_folder(std::string bucket) {
  if (!bucket.starts_with('/') || bucket.find('\0') != std::string::npos)
    return bad_setting("Bucket must be an absolute path");
  if (!bucket.ends_with('/')) bucket += '/';
  return bucket;
}

}  // namespace

bool valid_volume_name(std::string_view name) {
  constexpr std::string_view kEnds = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (name.size() < 3 || name.size() > 63) return false;
  if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
    return false;
  return kEnds.find(name.front()) != std::string_view::npos &&
         kEnds.find(name.back()) != std::string_view::npos;
}

bool valid_compression(std::string_view name) {
  std::string lowered;
  std::transform(name.begin(), name.end(), std::back_inserter(lowered), lower);
  return lowered.empty() || lowered == "none" || lowered == "lz4" || lowered == "zstd";
}

Result<std::string> new_setting(std::string_view wanted_text, std::string_view uuid) {
  MDP_TRY(Json wanted, read_wanted(wanted_text));
  const auto string = [&](const char* field, const char* otherwise) {
    return wanted.value(field, std::string(otherwise));
  };
  const auto number = [&](const char* field, uint64_t otherwise) {
    return wanted.value(field, otherwise);
  };
  const auto flag = [&](const char* field, bool otherwise) {
    return wanted.value(field, otherwise);
  };

  const std::string name = string("Name", "");
  if (!valid_volume_name(name))
    return bad_setting("Name is " + quote(name, 80) + ", " + std::string(kNameAllowed));
  MDP_TRY(const std::string bucket, bucket_folder(string("Bucket", "")));
  std::string compression = string("Compression", "none");
  std::transform(compression.begin(), compression.end(), compression.begin(), lower);
  if (compression.empty()) compression = "none";

  // A zero of most fields is not stored at all.
  Json out;
  const auto put_set = [&](const char* field, const Json& value) {
    const bool zero = value == Json(false) || value == Json(0) || value == Json("");
    if (!zero) out[field] = value;
  };
  out["Name"] = name;
  out["UUID"] = std::string(uuid);
  out["Storage"] = string("Storage", std::string(kStorage).c_str());
  out["Tiers"]["0"]["ID"] = 0;
  out["Tiers"]["0"]["StorageClass"] = "";
  out["Tiers"]["0"]["Tag"] = "";
  out["Bucket"] = bucket;
  out["BlockSize"] = number("BlockSize", 4096);
  out["Compression"] = compression;
  if (number("Shards", 0) > 1) out["Shards"] = number("Shards", 0);
  put_set("HashPrefix", flag("HashPrefix", false));
  put_set("Capacity", number("Capacity", 0));
  put_set("Inodes", number("Inodes", 0));
  put_set("EncryptKey", string("EncryptKey", ""));
  out["EncryptAlgo"] = "aes256gcm-rsa";  // stored also where nothing is encrypted
  out["TrashDays"] = number("TrashDays", 1);
  out["MetaVersion"] = kMetaVersionMax;
  out["MinClientVersion"] = "1.1.0-A";
  put_set("DirStats", flag("DirStats", true));
  put_set("UserGroupQuota", flag("UserGroupQuota", false));
  out["EnableACL"] = flag("EnableACL", false);
  put_set("ChangeLog", flag("ChangeLog", false));

  std::string text;
  try {
    text = out.dump(0);
  } catch (const Json::exception&) {  // a string that is not UTF-8
    return bad_setting("Bucket must be UTF-8");
  }
  // By the rules for an existing volume: nobody can make what nobody can mount.
  auto made = parse_setting(text);
  if (!made) return Error{Fault::kConfig, EINVAL, std::move(made).error().text};
  MDP_TRY_VOID(check_supported(*made));
  return text;
}

}  // namespace fastmeta::model
