/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A plugin that lacks what every plugin must have. */
#define mdp_plugin_entry toy_plugin_entry
#include "toy_plugin.c"
#undef mdp_plugin_entry

const mdp_ops *mdp_plugin_entry(void) {
  static mdp_ops lacking;
  lacking = *toy_plugin_entry();
  lacking.lookup = NULL;
  return &lacking;
}
