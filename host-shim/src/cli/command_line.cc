// SPDX-License-Identifier: GPL-3.0-or-later
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "daemon/process.h"

namespace fastmeta::host {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 all is well, 1 it went wrong, 2 the command line or the configuration is\n"
    "wrong, 3 the metadata server does not answer.\n"
    "META_PASSWORD in the environment is the server's password when the URL has none.";

}  // namespace

int complain(int code, const std::string& why) {
  std::fprintf(stderr, "fastmeta: %s\n", why.c_str());
  return code;
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Mounts volumes of the JuiceFS format through a metadata plugin.", "fastmeta");
  app.require_subcommand(1);
  app.footer(kFooter);
  Run run;
  add_format(app, &run);
  add_mount(app, &run);
  add_umount(app, &run);
  add_status(app, &run);
  add_oplog(app, &run);
  add_cache(app, &run);
  add_config(app, &run);
  add_version(app, &run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failed) {
    if (failed.get_exit_code() == 0) return app.exit(failed);  // --help
    return complain(kUsage, std::string(failed.what()) + "; see fastmeta --help");
  }
  hide_passwords(argc, argv);
  return run ? run() : complain(kUsage, "nothing to do; see fastmeta --help");
}

}  // namespace fastmeta::host
