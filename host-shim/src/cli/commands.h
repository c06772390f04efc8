// SPDX-License-Identifier: GPL-3.0-or-later
// The subcommands. Each add_… describes one to the parser; the action that was
// asked for is left in *run, to be called when the whole command line is right.
#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace fastmeta::host {

using Run = std::function<int()>;  // the exit code

void add_format(CLI::App& app, Run* run);
void add_mount(CLI::App& app, Run* run);
void add_umount(CLI::App& app, Run* run);
void add_status(CLI::App& app, Run* run);
void add_oplog(CLI::App& app, Run* run);      // and conflicts
void add_cache(CLI::App& app, Run* run);
void add_config(CLI::App& app, Run* run);
void add_version(CLI::App& app, Run* run);

// One line on stderr; returns the code.
int complain(int code, const std::string& why);

int run_command_line(int argc, char** argv);

}  // namespace fastmeta::host
