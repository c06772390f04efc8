// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/attrs.h"
#include "model/rules/checks.h"

namespace fastmeta::model {

namespace {

constexpr size_t kXattrNameMax = 255;
constexpr size_t kXattrValueMax = 65536;

// ACLs have keys of their own; volumes that use them are not served yet.
bool is_acl(std::string_view name) {
  return name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

Result<void> check_xattr_name(std::string_view name) {
  if (name.empty()) return answer(EINVAL);
  if (name.size() > kXattrNameMax) return answer(ERANGE);
  return {};
}

}  // namespace

Result<void> setxattr(const View& seen, const SetXattrArgs& want, Mutations& out) {
  MDP_TRY_VOID(check_xattr_name(want.name));
  if (want.value.size() > kXattrValueMax) return answer(ERANGE);
  if (is_acl(want.name)) return answer(ENOTSUP);
  if (want.flags != 0 && want.flags != kXattrCreate && want.flags != kXattrReplace)
    return answer(EINVAL);
  // The inode is looked at so that none that is gone is left with an x key.
  MDP_TRY_VOID(seen.need({seen.attr_key(want.ino), seen.xattr_key(want.ino, want.name)}));
  MDP_TRY(auto attr, seen.attr(want.ino));
  if (!attr) return answer(ENOENT);
  MDP_TRY(auto value, seen.xattr(want.ino, want.name));
  if (value && want.flags == kXattrCreate) return answer(EEXIST);
  if (!value && want.flags == kXattrReplace) return answer(ENODATA);
  out.hset(seen.keys().xattrs(want.ino), want.name, want.value);
  return {};
}

Result<std::string> getxattr(const View& seen, Ino ino, std::string_view name) {
  MDP_TRY_VOID(check_xattr_name(name));
  if (is_acl(name)) return answer(ENODATA);
  MDP_TRY(auto value, seen.xattr(ino, name));
  if (!value) return answer(ENODATA);
  return std::move(*value);
}

Result<std::vector<std::string>> listxattr(const View& seen, Ino ino) {
  return seen.xattr_names(ino);
}

Result<void> removexattr(const View& seen, Ino ino, std::string_view name, Mutations& out) {
  MDP_TRY_VOID(check_xattr_name(name));
  if (is_acl(name)) return answer(ENOTSUP);
  MDP_TRY_VOID(seen.need({seen.xattr_key(ino, name)}));
  MDP_TRY(auto value, seen.xattr(ino, name));
  if (!value) return answer(ENODATA);
  out.hdel(seen.keys().xattrs(ino), std::string(name));
  return {};
}

}  // namespace fastmeta::model
