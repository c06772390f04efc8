/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A shared object that is no plugin. */
#include <mdp/plugin.h>

const mdp_ops *some_other_entry(void);
const mdp_ops *some_other_entry(void) { return 0; }
