/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A metadata plugin that keeps everything in memory, written against the contract
 * only: an example, and what the host is tested with. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "toy/ops_attrs.h"
#include "toy/ops_dirs.h"
#include "toy/ops_files.h"
#include "toy/ops_life.h"

static const mdp_ops table = {
    .struct_size = sizeof(mdp_ops),
    .abi_major = MDP_ABI_MAJOR,
    .abi_minor = MDP_ABI_MINOR,
    .name = "toy",
    .version = "1",
    .probe = toy_op_probe,
    .open = toy_op_open_volume,
    .start = toy_op_start,
    .stop = toy_op_stop,
    .close = toy_op_close_volume,
    .describe = toy_op_describe,
    .statfs = toy_op_statfs,
    .lookup = toy_op_lookup,
    .mknod = toy_op_mknod,
    .mkdir = toy_op_mkdir,
    .symlink = toy_op_symlink,
    .readlink = toy_op_readlink,
    .link = toy_op_link,
    .unlink = toy_op_unlink,
    .rmdir = toy_op_rmdir,
    .rename = toy_op_rename,
    .opendir = toy_op_opendir,
    .readdir = toy_op_readdir,
    .readdirplus = toy_op_readdirplus,
    .closedir = toy_op_closedir,
    .getattr = toy_op_getattr,
    .setattr = toy_op_setattr,
    .setxattr = toy_op_setxattr,
    .getxattr = toy_op_getxattr,
    .listxattr = toy_op_listxattr,
    .removexattr = toy_op_removexattr,
    .create = toy_op_create,
    .open_file = toy_op_open,
    .close_file = toy_op_close,
    .new_slice = toy_op_new_slice,
    .write_slice = toy_op_write_slice,
    .read_slices = toy_op_read_slices,
    .truncate = toy_op_truncate,
    .fallocate = toy_op_fallocate,
    .copy_file_range = toy_op_copy,
    .fsync = toy_op_fsync,
    .flock = toy_op_flock,
    .getlk = toy_op_getlk,
    .setlk = toy_op_setlk,
    .setlkw = toy_op_setlkw,
    .health = toy_op_health,
    .control = toy_op_control,
#if MDP_ABI_MINOR >= 1
    .inspect = toy_op_inspect,
#endif
};

const mdp_ops *mdp_plugin_entry(void) { return &table; }
