// SPDX-License-Identifier: GPL-3.0-or-later
// The exported symbol.
#include <fastmeta/version.h>

#include "abi/ops.h"

namespace {

mdp_ops make_table() {
  mdp_ops ops{};
  ops.struct_size = sizeof ops;
  ops.abi_major = MDP_ABI_MAJOR;
  ops.abi_minor = MDP_ABI_MINOR;
  ops.name = "fastmeta";
  ops.version = FASTMETA_VERSION;
  fastmeta::abi::add_life_ops(ops);
  fastmeta::abi::add_name_ops(ops);
  fastmeta::abi::add_dir_ops(ops);
  fastmeta::abi::add_attr_ops(ops);
  fastmeta::abi::add_file_ops(ops);
  fastmeta::abi::add_data_ops(ops);
  fastmeta::abi::add_lock_ops(ops);
  return ops;
}

}  // namespace

const mdp_ops* mdp_plugin_entry() {
  static const mdp_ops table = make_table();
  return &table;
}
