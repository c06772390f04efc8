// SPDX-License-Identifier: GPL-3.0-or-later
// How the data path calls the plugin, and what its answers mean.
#pragma once

#include <mdp/plugin.h>

#include <cerrno>

namespace fastmeta::host {

// For what is done behind the back of `who`: nobody interrupts it.
inline mdp_caller in_background(const mdp_caller& who) {
  mdp_caller it{};
  it.struct_size = sizeof it;
  it.uid = who.uid;
  it.gid = who.gid;
  it.pid = who.pid;
  return it;
}

inline bool is_interrupted(const mdp_caller& who) {
  return who.interrupted != nullptr && who.interrupted(who.interrupted_ctx) != 0;
}

// The outcome is certain: nothing refers to the slice, and nothing ever will.
inline bool is_refusal(int rc) {
  return rc == -ENOENT || rc == -ENOSPC || rc == -EDQUOT || rc == -EPERM;
}

}  // namespace fastmeta::host
