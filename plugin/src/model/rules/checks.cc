// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/rules/checks.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "model/rules/names.h"

namespace fastmeta::model {

namespace {

constexpr std::array<std::string_view, 5> kVirtualNames = {".trash", ".stats", ".config",
                                                           ".control", ".accesslog"};

bool exceeds(int64_t used, int64_t growth, uint64_t limit) {
  if (limit == 0 || growth <= 0) return false;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(used, 0) > static_cast<int64_t>(std::min(limit, kMost)) - growth;
}

}  // namespace

bool is_virtual_name(Ino parent, std::string_view name) {
  return parent == kRootIno && std::ranges::find(kVirtualNames, name) != kVirtualNames.end();
}

Result<void> check_new_name(std::string_view name) {
  if (name.size() > kNameMax) return answer(ENAMETOOLONG);
  if (name == "." || name == "..") return answer(EEXIST);
  if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos)
    return answer(EINVAL);
  return {};
}

Result<void> check_appearing(Ino parent, std::string_view name, int virtual_code) {
  if (name.size() > kNameMax) return answer(ENAMETOOLONG);
  if (is_virtual_name(parent, name)) return answer(virtual_code);
  if (is_trash(parent)) return answer(EPERM);
  return check_new_name(name);
}

Result<void> check_disappearing(const Caller& who, Ino parent, std::string_view name) {
  if (name.size() > kNameMax) return answer(ENAMETOOLONG);
  if (is_virtual_name(parent, name)) return answer(EPERM);
  if (is_trash(parent) && who.uid != 0) return answer(EPERM);
  return {};
}

Result<void> check_limits(const VolumeFacts& facts, int64_t space, int64_t inodes) {
  if (exceeds(facts.used_space, space, facts.capacity)) return answer(ENOSPC);
  if (exceeds(facts.used_inodes, inodes, facts.inode_limit)) return answer(ENOSPC);
  return {};
}

Attr broken_attr(Ino parent, FileType type) {
  Attr attr;
  attr.type = type;
  attr.parent = parent;
  return attr;
}

Result<void> check_unused(const View& seen, Ino ino) {
  MDP_TRY(auto there, seen.attr(ino));
  if (!there) return {};
  return Error{Fault::kCorrupt, ENOTUNIQ,
               seen.keys().attr(ino) + " exists although its number is new: the counter of inode "
               "numbers went back, restore it above the highest inode"};
}

}  // namespace fastmeta::model
