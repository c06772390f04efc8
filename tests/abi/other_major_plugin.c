/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A plugin of another major version: nothing behind the first fields is as known. */
#include <mdp/plugin.h>

const mdp_ops *mdp_plugin_entry(void) {
  static struct {
    uint32_t struct_size, abi_major, abi_minor, reserved;
    char something_else[4096];
  } table = {sizeof table, MDP_ABI_MAJOR + 6, 0, 0, "not a table"};
  return (const mdp_ops *)(const void *)&table;
}
