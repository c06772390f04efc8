// SPDX-License-Identifier: GPL-3.0-or-later
// The handlers of kernel requests, by subject. What the plugin does not have stays
// NULL: libfuse answers ENOSYS, and the kernel remembers that.
#pragma once

#include <mdp/plugin.h>

#include "fuse/fuse_api.h"

namespace fastmeta::host {

void add_name_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_attr_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_xattr_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_dir_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_file_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_data_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_lock_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);
void add_flag_handlers(const mdp_ops& ops, fuse_lowlevel_ops* out);

}  // namespace fastmeta::host
