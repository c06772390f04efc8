/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The toy as it may be one day: its table has members that the host does not know. */
#define mdp_plugin_entry toy_plugin_entry
#include "toy_plugin.c"
#undef mdp_plugin_entry

struct newer_ops {
  mdp_ops known;
  int (*later)(mdp_volume *v, uint64_t what);
  int (*much_later)(mdp_volume *v);
};

const mdp_ops *mdp_plugin_entry(void) {
  static struct newer_ops newer;
  newer.known = *toy_plugin_entry();
  newer.known.struct_size = sizeof newer;
  newer.known.abi_minor = MDP_ABI_MINOR + 1;
  newer.known.name = "newer";
  return &newer.known;
}
