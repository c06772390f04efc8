// SPDX-License-Identifier: GPL-3.0-or-later
// The members of the table, by the file that defines them.
#pragma once

#include <mdp/plugin.h>

namespace fastmeta::abi {

void add_life_ops(mdp_ops& ops);
void add_name_ops(mdp_ops& ops);
void add_dir_ops(mdp_ops& ops);
void add_attr_ops(mdp_ops& ops);
void add_file_ops(mdp_ops& ops);
void add_data_ops(mdp_ops& ops);
void add_lock_ops(mdp_ops& ops);

}  // namespace fastmeta::abi
