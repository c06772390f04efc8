/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The toy built against the contract as it was released as 1.0: what was built then
 * must still load. */
#define _GNU_SOURCE
#include "baseline/mdp-1.0/plugin.h"

#include "toy_plugin.c"
