// SPDX-License-Identifier: GPL-3.0-or-later
#include "loader/negotiate.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace fastmeta::host {
namespace {

// What no mount can do without. All else is answered with ENOSYS when absent.
struct Required {
  const char* name;
  size_t at;
};
constexpr Required kRequired[] = {
    {"name", offsetof(mdp_ops, name)},
    {"version", offsetof(mdp_ops, version)},
    {"open", offsetof(mdp_ops, open)},
    {"start", offsetof(mdp_ops, start)},
    {"stop", offsetof(mdp_ops, stop)},
    {"close", offsetof(mdp_ops, close)},
    {"describe", offsetof(mdp_ops, describe)},
    {"lookup", offsetof(mdp_ops, lookup)},
    {"opendir", offsetof(mdp_ops, opendir)},
    {"readdir", offsetof(mdp_ops, readdir)},
    {"closedir", offsetof(mdp_ops, closedir)},
    {"getattr", offsetof(mdp_ops, getattr)},
    {"open_file", offsetof(mdp_ops, open_file)},
    {"close_file", offsetof(mdp_ops, close_file)},
    {"read_slices", offsetof(mdp_ops, read_slices)},
};

constexpr size_t kHeaderBytes = offsetof(mdp_ops, name);
constexpr size_t kTableBytesMax = 64 * 1024;  // thousands of operations: not a table of ours

bool is_null(const mdp_ops& ops, size_t at) {
  void* member = nullptr;
  std::memcpy(&member, reinterpret_cast<const char*>(&ops) + at, sizeof member);
  return member == nullptr;
}

}  // namespace

std::optional<std::string> adopt_ops(const mdp_ops* theirs, const std::string& path,
                                     mdp_ops* ours) {
  std::memset(ours, 0, sizeof *ours);
  const std::string who = "plugin " + path + ": ";
  if (theirs == nullptr) return who + "its entry point returned no table: rebuild the plugin";

  // The size comes first in every version; of another major nothing else is known.
  const size_t size = theirs->struct_size;
  if (size < kHeaderBytes || size > kTableBytesMax || size % alignof(mdp_ops) != 0) {
    return who + "its table claims a size of " + std::to_string(size) +
           " bytes, which cannot be: rebuild the plugin against mdp/plugin.h";
  }
  if (theirs->abi_major != MDP_ABI_MAJOR) {
    return who + "it speaks version " + std::to_string(theirs->abi_major) +
           " of the contract, this host speaks version " + std::to_string(MDP_ABI_MAJOR) +
           ": install the plugin and the host of one release";
  }

  std::memcpy(ours, theirs, std::min(sizeof *ours, size));
  for (const Required& member : kRequired) {
    if (!is_null(*ours, member.at)) continue;
    std::memset(ours, 0, sizeof *ours);
    return who + "its table has no " + member.name + ", which every plugin must have";
  }
  return std::nullopt;
}

}  // namespace fastmeta::host
