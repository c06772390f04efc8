// SPDX-License-Identifier: GPL-3.0-or-later
// An open directory, what fuse_file_info.fh points to.
#pragma once

#include <mdp/plugin.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "kernel/kernel_view.h"

namespace fastmeta::host {

// One page of the plugin, kept until the kernel has taken it.
struct DirPage {
  bool plus = false;
  KernelView::Moment seen;  // before it was made
  uint64_t begin = 0;       // the cookie that it was asked for by
  std::vector<mdp_dirent> entries;
  std::vector<char> names;
};

struct DirHandle {
  uint64_t ino = 0;
  mdp_dir* dir = nullptr;
  KernelView::Moment begun;  // before it was opened or rewound: its names may be as old
  std::mutex mutex;  // of the page: one thread at a time reads a directory
  DirPage page;
};

}  // namespace fastmeta::host
