// SPDX-License-Identifier: GPL-3.0-or-later
// How the data path calls the plugin, and what its answers mean.
#pragma once

#include <mdp/plugin.h>

#include <cerrno>

namespace fastmeta::host {

// Commits happen behind the back of whoever wrote: nobody interrupts them.
inline const mdp_caller& background_caller() {
  static const mdp_caller caller = [] {
    mdp_caller it{};
    it.struct_size = sizeof it;
    return it;
  }();
  return caller;
}

// The outcome is certain: nothing refers to the slice, and nothing ever will.
inline bool is_refusal(int rc) {
  return rc == -ENOENT || rc == -ENOSPC || rc == -EDQUOT || rc == -EPERM;
}

}  // namespace fastmeta::host
