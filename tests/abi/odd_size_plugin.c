/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A plugin whose table has a size that cannot be. */
#include <mdp/plugin.h>

const mdp_ops *mdp_plugin_entry(void) {
  static const mdp_ops odd = {.struct_size = 77, .abi_major = MDP_ABI_MAJOR};
  return &odd;
}
