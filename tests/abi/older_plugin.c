/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The toy as it was before locks and inspection were added to the contract, and
 * without symlinks, which it never had: its table is shorter than the host's. */
#define mdp_plugin_entry toy_plugin_entry
#include "toy_plugin.c"
#undef mdp_plugin_entry

const mdp_ops *mdp_plugin_entry(void) {
  static mdp_ops older;
  memcpy(&older, toy_plugin_entry(), offsetof(mdp_ops, flock));
  older.struct_size = offsetof(mdp_ops, flock);
  older.symlink = NULL;
  older.name = "older";
  return &older;
}
