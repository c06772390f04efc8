// SPDX-License-Identifier: GPL-3.0-or-later
// Rules of attributes and extended attributes. See names.h for what a rule is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/mutations.h"
#include "model/types.h"
#include "model/view.h"
#include "util/result.h"

namespace fastmeta::model {

Result<Attr> getattr(const View& seen, Ino ino);

struct SetattrArgs {
  Caller who;
  Timestamp now;
  Ino ino = 0;
  std::optional<uint16_t> mode;  // 07777
  std::optional<uint32_t> uid, gid;
  std::optional<Timestamp> atime, mtime;
  bool atime_now = false, mtime_now = false;
  std::optional<uint8_t> flags;  // the whole byte as of chattr
  bool kill_suid = false;        // as a write by a non-owner does
};
// No effective change: no writes. The attr is as it is afterwards.
Result<Attr> setattr(const View& seen, const SetattrArgs& want, Mutations& out);

Result<std::string> readlink(const View& seen, Ino ino);

enum XattrFlags : uint32_t { kXattrCreate = 1, kXattrReplace = 2 };
struct SetXattrArgs {
  Ino ino = 0;
  std::string name;
  std::string value;
  uint32_t flags = 0;
};
Result<void> setxattr(const View& seen, const SetXattrArgs& want, Mutations& out);
Result<std::string> getxattr(const View& seen, Ino ino, std::string_view name);
Result<std::vector<std::string>> listxattr(const View& seen, Ino ino);
Result<void> removexattr(const View& seen, Ino ino, std::string_view name, Mutations& out);

struct SpaceReply {
  uint64_t total_bytes = 0, avail_bytes = 0, used_inodes = 0, avail_inodes = 0;
};
SpaceReply statfs(const VolumeFacts& facts);

}  // namespace fastmeta::model
